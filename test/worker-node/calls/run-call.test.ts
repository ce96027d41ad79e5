import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CallAnswer, type CallRequest } from "../../../shared/contract/calls.ts";
import { Calls } from "../../../worker-node/calls/calls.ts";
import { type CallDeps, runCall } from "../../../worker-node/calls/run-call.ts";
import { resolveShowServices } from "../../../worker-node/calls/spotify/services.ts";
import { startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { abortFailure, MediaFailure } from "../../../worker-node/media/failure.ts";
import type { YtDlp, YtDlpContext } from "../../../worker-node/media/ytdlp/port.ts";
import { runTool } from "../../../worker-node/process/run.ts";
import { testDir } from "../../leaks.ts";
import { SHOWS } from "../../origin/podcasts.ts";
import { type CallSite, startCallSite } from "./site.ts";

let site: CallSite;
let deps: CallDeps;
beforeAll(async () => {
  site = await startCallSite();
});
afterAll(() => site.close());
beforeEach(async () => {
  deps = {
    ytdlp: site.ytdlp,
    egress: site.egress,
    guard: { allowPrivate: true },
    shows: resolveShowServices({
      spotifyUrl: `${site.origin.url}/spotify/`,
      directoryUrl: `${site.origin.url}/podcasts`,
    }),
    workRoot: await testDir("work"),
    log: () => undefined,
  };
});

const never = () => new AbortController().signal;
const CALL = "01a2310c-0100-726b-b2a7-4de452e6b438";
const frame = (request: CallRequest, deadlineMs = 60_000) =>
  ({ type: "call", call: CALL, deadline_ms: deadlineMs, request }) as const;
const at = (path: string) => `${site.origin.url}/${path}`;

async function run(request: CallRequest, more: Partial<CallDeps> = {}): Promise<CallAnswer> {
  const answer = await runCall(frame(request), { ...deps, ...more }, never());
  expect(readdirSync(deps.workRoot)).toEqual([]);
  // What the edge will parse is what was sent.
  expect(CallAnswer.parse(answer)).toEqual(answer);
  return answer;
}

/** A look that runs this script, tells when it is ready, and ends with the signal. */
function lookBy(script: string): { ytdlp: YtDlp; ready: Promise<{ context: YtDlpContext; pid: number }> } {
  const { promise, resolve: found } = Promise.withResolvers<{ context: YtDlpContext; pid: number }>();
  const ytdlp: YtDlp = {
    ...site.ytdlp,
    async describe(_request, context) {
      const { dir, signal, groups } = context;
      await runTool([resolve(import.meta.dirname, "../fakes", script)], {
        dir,
        signal,
        groups,
        graceMs: 50,
        onStdout: (line) => line.startsWith("ready") && found({ context, pid: Number(line.split(" ")[1]) }),
      });
      throw abortFailure(signal);
    },
  };
  return { ytdlp, ready: promise };
}

describe("one call", () => {
  it("looks through the egress guard, which may refuse", async () => {
    expect(await run({ kind: "look", url: at("video-360.mp4") })).toMatchObject({ ok: true });
    const strict = await startEgressProxy();
    const answer = await run({ kind: "look", url: at("video-360.mp4") }, { egress: strict });
    await strict.close();
    expect(answer).toMatchObject({ ok: false, class: "unsupported" });
  });

  it("expands a list, and lists a show", async () => {
    expect(await run({ kind: "expand", url: at("feed.xml"), limit: 2 })).toMatchObject({
      ok: true,
      result: { kind: "expand", title: "The Beep Hour", truncated: true },
    });
    const show = await run({ kind: "show", url: `https://open.spotify.com/show/${SHOWS.beepHour}`, limit: 10 });
    expect(show).toMatchObject({ ok: true, result: { title: "The Beep Hour" } });
  });

  it("asks with the client's cookies where it was given any, and leaves none behind", async () => {
    const cookies = "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\topen\n";
    const list = { kind: "expand", url: at("cookie/feed.xml"), limit: 2 } as const;
    expect(await run({ ...list, cookies })).toMatchObject({ ok: true, result: { title: "The Beep Hour" } });
    expect(await run(list)).toMatchObject({ ok: false, class: "private" });
    await run({ kind: "show", url: `https://open.spotify.com/show/${SHOWS.beepHour}`, limit: 10, cookies });
    const page = site.origin.requests.findLast((request) => request.path.startsWith("/spotify/show/"));
    expect(page?.headers.cookie).toBe("session=open");
  });

  it("answers about yt-dlp itself", async () => {
    expect(await run({ kind: "options" })).toMatchObject({ ok: true, result: { kind: "options" } });
    expect(await run({ kind: "parse_options", args: ["--nope"] })).toMatchObject({
      result: { kind: "parse_options", refused: "No such option: --nope", opts: null },
    });
    expect(await run({ kind: "archive_ids", urls: ["https://vimeo.com/12345678"] })).toMatchObject({
      result: { ids: [{ archive_id: "vimeo 12345678" }] },
    });
  });

  it("looks with a user's options and cookies through the guard, and brings yt-dlp's own words of a failure", async () => {
    const cookies = "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\topen\n";
    const look = { kind: "info", url: at("cookie/video-360.mp4"), args: ["--referer", "https://a.example/"] } as const;
    // A proxy of the user's own is behind the guard, and no way past it.
    const theirs = await startEgressProxy({ allowPrivate: true });
    const account = theirs.openAttempt("theirs");
    const args = [...look.args, "--proxy", account.proxyUrl, "--geo-verification-proxy", "http://127.0.0.1:9"];
    expect(await run({ ...look, args, cookies })).toMatchObject({
      ok: true,
      result: { refused: null, info: { id: "video-360", _type: "video" }, left_out: [] },
    });
    const request = site.origin.requests.findLast(({ path }) => path === "/cookie/video-360.mp4");
    expect(request?.headers).toMatchObject({ cookie: "session=open", referer: "https://a.example/" });
    expect(account.bytes().received).toBeGreaterThan(0);
    await theirs.close();
    const strict = await startEgressProxy();
    const refused = await run({ ...look, args, cookies }, { egress: strict });
    await strict.close();
    expect(refused).toMatchObject({ ok: false, class: "unsupported", log: [expect.stringMatching(/^ERROR: /)] });
    expect(await run({ ...look, args: ["--no-such-thing"] })).toMatchObject({
      ok: true,
      result: { refused: "No such option: --no-such-thing", info: null },
    });
  });

  it.each([
    ["look", "private/404", "removed"],
    ["look", "status/429/video-360.mp4", "rate"],
    ["look", "status/503/video-360.mp4", "network"],
    ["look", "pages/plain", "unsupported"],
    ["look", "drm/master.m3u8", "drm"],
    ["expand", "private/403", "private"],
    ["expand", "nothing-here", "removed"],
  ] as const)("answers a %s of /%s with the class %s", async (kind, path, expected) => {
    const request: CallRequest = kind === "look" ? { kind, url: at(path) } : { kind, url: at(path), limit: 5 };
    expect(await run(request)).toMatchObject({ ok: false, class: expected });
  });

  it("kills the whole process group at its deadline, tells nobody, and leaves nothing", async () => {
    const { ytdlp, ready } = lookBy("ignore-term.sh");
    const calls = new Calls({ work: (asked, signal) => runCall(asked, { ...deps, ytdlp }, signal), log: deps.log });
    const sent: unknown[] = [];
    calls.take(frame({ kind: "look", url: at("") }, 500), async (_call, answer) => void sent.push(answer));
    const { context, pid } = await ready;
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await calls.drain();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(readdirSync(deps.workRoot)).toEqual([]);
    expect(context.signal.reason).toMatchObject({ class: "timeout" });
    expect(sent).toEqual([]);
  });

  it("ends when the node stops", async () => {
    const { ytdlp, ready } = lookBy("hang.sh");
    const calls = new Calls({ work: (asked, signal) => runCall(asked, { ...deps, ytdlp }, signal), log: deps.log });
    calls.take(frame({ kind: "look", url: at("") }), () => Promise.reject(new Error("answered")));
    const { pid } = await ready;
    await calls.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(readdirSync(deps.workRoot)).toEqual([]);
  });

  it("ends a real look at a site that never answers", async () => {
    const over = new AbortController();
    const looking = runCall(frame({ kind: "look", url: at("stall/pages/watch") }), deps, over.signal);
    await site.origin.waitForRequest("/stall/pages/watch");
    over.abort(new MediaFailure("timeout"));
    expect(await looking).toMatchObject({ ok: false, class: "timeout" });
    expect(readdirSync(deps.workRoot)).toEqual([]);
    await site.origin.idle();
  });
});
