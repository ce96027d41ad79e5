/** The guide's page of the library's features: its paths are those that there are, and its commands are taken. */
import { expect, it } from "vitest";
import page from "../../../docs/guide/library-features.md?raw";
import { FEATURE_ENDPOINTS } from "../../../edge/routes/library/features/endpoints.ts";
import { newAccount } from "../support.ts";

it("names every path in a table", () => {
  const named = [...page.matchAll(/^\| `(?:GET )?(\/api\/[^`]*)` \|/gm)].map((match) => match[1]);
  const paths = new Set(FEATURE_ENDPOINTS.map((each) => each.path).filter((path) => !path.includes(":")));
  expect(named.toSorted()).toEqual([...paths].toSorted());
});

const COMMAND =
  /^curl (?:-X (?<method>[A-Z]+) )?"?\$E(?<path>[^\s"]+)"? -H "x-api-key: \$K"(?: -d '(?<body>[^']*)')?/gm;

it("every command answers with a success, in its order", async () => {
  const account = await newAccount();
  const commands = [...page.matchAll(COMMAND)].map((match) => match.groups ?? {});
  expect(commands).toHaveLength(page.match(/^curl /gm)?.length ?? 0);
  for (const { method = "GET", path = "", body } of commands) {
    const answer = await account.api(method, path, body);
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  }
});
