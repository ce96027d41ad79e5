/** The commands of a page of the guide, as a reader would give them. */
import { expect } from "vitest";
import { newAccount } from "../support.ts";

const COMMAND =
  /^curl (?:-X (?<method>[A-Z]+) )?"?\$E(?<path>[^\s"]+)"? -H "x-api-key: \$K"(?: -d '(?<body>[^']*)')?/gm;

/**
 * Expects each command to answer with a success, in its order.
 *
 * @param needsNode those that wait for a node, which is not there. Defaults to none.
 */
export async function expectCommandsTaken(
  page: string,
  needsNode: (path: string) => boolean = () => false,
): Promise<void> {
  const account = await newAccount();
  const commands = [...page.matchAll(COMMAND)].map((match) => match.groups ?? {});
  expect(commands).toHaveLength(page.match(/^curl /gm)?.length ?? 0);
  for (const { method = "GET", path = "", body } of commands) {
    if (needsNode(path)) continue;
    const answer = await account.api(method, path, body);
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  }
}
