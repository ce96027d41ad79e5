/** `POST /api/yt-dlp/archive_id` (library API 5.6). */
import { describe, expect, it } from "vitest";
import type { CallRequest } from "../../../../shared/contract/calls.ts";
import { YTDLP_CALLS } from "../../../../shared/contract/ytdlp-calls.ts";
import { TestNode } from "../../fleet-node.ts";
import { type Json, newAccount } from "../../support.ts";
import { asked } from "./asked-node.ts";

const PATH = "/api/yt-dlp/archive_id";
const NO_ID = { id: null, ie_key: null, archive_id: null };

/** YouTube's short links alone have an id. */
function ids(request: CallRequest): Json {
  if (request.kind !== "archive_ids") throw new Error("another question");
  const found = request.urls.map((url) => {
    const id = /^https:\/\/youtu\.be\/(.+)$/.exec(url)?.[1];
    return id === undefined ? NO_ID : { id, ie_key: "Youtube", archive_id: `youtube ${id}` };
  });
  return { ids: found };
}

describe("archive ids", () => {
  it("come in the order of the URLs; what is no URL is told apart from what has no id, and no node is asked about it", async () => {
    const { account, questions } = await asked(ids);
    const urls = ["https://youtu.be/dQw4w9WgXcQ", "https://example.com/x", "nope", "ftp://a.example/x", 7];
    const { status, body } = await account.api("POST", PATH, urls);
    expect(status).toBe(200);
    expect(body).toEqual([
      { index: 0, url: urls[0], id: "dQw4w9WgXcQ", ie_key: "Youtube", archive_id: "youtube dQw4w9WgXcQ" },
      { index: 1, url: urls[1], ...NO_ID },
      { index: 2, url: "nope", ...NO_ID, error: "Invalid hostname." },
      { index: 3, url: urls[3], ...NO_ID, error: "Invalid scheme usage. Only HTTP or HTTPS allowed." },
      { index: 4, url: 7, ...NO_ID, error: "Invalid hostname." },
    ]);
    expect(questions).toEqual([{ kind: "archive_ids", urls: urls.slice(0, 2) }]);
  });

  it("of many URLs are asked in frames that a socket takes, each URL once", async () => {
    const { account, questions } = await asked(ids);
    const urls = Array.from({ length: 250 }, (_, at) => `https://youtu.be/${at % 240}`);
    const { body } = await account.api<Json[]>("POST", PATH, urls);
    expect(body.map((one) => one.id)).toEqual(urls.map((url) => url.slice("https://youtu.be/".length)));
    expect(questions.map((one) => one.kind === "archive_ids" && one.urls.length)).toEqual([100, 100, 40]);
  });

  it.each([["{}"], ["[]"], ['"x"'], ["nope"], [""]])("of %s are refused", async (body) => {
    const answer = await (await newAccount()).api("POST", PATH, body);
    expect([answer.status, answer.body]).toEqual([400, { error: "Invalid request. expecting list with URLs." }]);
  });

  it("want a node that knows the question: without one 503, with a time to come back", async () => {
    const account = await newAccount();
    // Online, with an open socket, and of another age.
    const old = await TestNode.online(account);
    const { socket, first } = await old.connect();
    const ask = () => account.api("POST", PATH, ["https://youtu.be/dQw4w9WgXcQ"]);
    const answer = await ask();
    expect([answer.status, answer.body]).toEqual([503, { error: "No worker node is online." }]);
    expect(answer.headers.get("retry-after")).toBe("5");
    // The same session, with other tools.
    await old.open(old.session?.session, [YTDLP_CALLS]);
    await old.heartbeat();
    const asking = ask();
    expect(await first).toMatchObject({ type: "call", request: { kind: "archive_ids" } });
    socket.close();
    expect((await asking).status).toBe(504);
  });
});
