/** The guide's page of items: every command in it is taken, in its order. */
import { expect, it } from "vitest";
import page from "../../../docs/guide/library-items.md?raw";
import { newAccount } from "../support.ts";

const COMMAND =
  /^curl (?:-X (?<method>[A-Z]+) )?"?\$E(?<path>[^\s"]+)"? -H "x-api-key: \$K"(?: -d '(?<body>[^']*)')?/gm;

it("every command answers with a success", async () => {
  const account = await newAccount();
  const commands = [...page.matchAll(COMMAND)].map((match) => match.groups ?? {});
  expect(commands).toHaveLength(page.match(/^curl /gm)?.length ?? 0);
  for (const { method = "GET", path = "", body } of commands) {
    // It waits for a node, and there is none here.
    if (path.includes("/add?")) continue;
    const answer = await account.api(method, path, body);
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  }
});
