/** `POST /api/conditions/test` (library API 7.4). */
import { describe, expect, it } from "vitest";
import { type Answer, type Json, newAccount } from "../../support.ts";
import { asked, info } from "../ytdlp/asked-node.ts";

const PATH = "/api/conditions/test";
const URL_1 = "https://www.youtube.com/watch?v=dQw4w9WgXcQ";
const told = ({ status, body }: Answer) => [status, body];

describe("a condition that is tried", () => {
  it("is answered with the whole info, which is kept for the next filter", async () => {
    const { account, questions } = await asked(() => info());
    const data = info().info;
    for (const [condition, status] of [
      ["duration > 600", false],
      ["duration > 3m & extractor = youtube", true],
    ] as const) {
      const answer = await account.api("POST", PATH, { url: URL_1, condition, preset: "default" });
      expect(told(answer)).toEqual([200, { status, condition, data }]);
    }
    expect(questions).toEqual([{ kind: "info", url: URL_1, args: ["--socket-timeout", "30"] }]);
  });

  it.each<[Json, string]>([
    [{}, "url is required."],
    [{ url: " ", condition: "a" }, "url is required."],
    [{ url: URL_1 }, "condition is required."],
    [{ url: "ftp://a.example/", condition: "a" }, "Invalid scheme usage. Only HTTP or HTTPS allowed."],
    [{ url: "nope", condition: "a" }, "Invalid hostname."],
    [{ url: URL_1, condition: "a", preset: "zz" }, "Preset 'zz' does not exist."],
    [{ url: URL_1, condition: "a &" }, "Expected ATOM"],
  ])("%j is refused before any node is asked", async (body, error) => {
    expect(told(await (await newAccount()).api("POST", PATH, body))).toEqual([400, { error }]);
  });

  it("wants an object", async () => {
    const answer = await (await newAccount()).api("POST", PATH, []);
    expect(told(answer)).toEqual([400, { error: "Invalid request body expecting dict." }]);
  });

  it("that cannot be evaluated on what was found is refused in the filter's words", async () => {
    const { account } = await asked(() => info({ title: "abc" }));
    const answer = await account.api("POST", PATH, { url: URL_1, condition: "title>5" });
    expect(told(answer)).toEqual([400, { error: "'>' not supported between instances of 'str' and 'int'" }]);
  });

  it.each([
    ["private", 400, `Failed to extract info from '${URL_1}'.`],
    ["network", 500, `Failed to extract video info. "The site's answer broke off"`],
  ])("on a URL that fails as %s is %d", async (failure, status, error) => {
    const { account } = await asked(() => ({ ok: false, class: failure, message: "The site's answer broke off" }));
    expect(told(await account.api("POST", PATH, { url: URL_1, condition: "a" }))).toEqual([status, { error }]);
  });

  it("without a node is 503", async () => {
    const answer = await (await newAccount()).api("POST", PATH, { url: URL_1, condition: "a" });
    expect(told(answer)).toEqual([503, { error: "No worker node is online." }]);
  });
});
