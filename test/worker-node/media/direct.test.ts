import { readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type EgressAttempt, type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { downloadDirect } from "../../../worker-node/media/direct.ts";
import { DISK_LOW_WATER_BYTES } from "../../../worker-node/media/disk.ts";
import { type MediaDeps, type MediaRequest, mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import { removeAttempt } from "../../../worker-node/process/leftovers.ts";
import { jobOptions } from "../../job-options.ts";
import { testDir } from "../../leaks.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { mediaRequest, runMedia } from "./attempt.ts";
import { realTools } from "./tools.ts";

let origin: Origin;
let deps: MediaDeps;
let proxy: EgressProxy;
let egress: EgressAttempt;
let dir: string;
beforeAll(async () => {
  const [site, tools] = await Promise.all([startOrigin(), realTools()]);
  origin = site;
  deps = mediaDeps(tools);
});
afterAll(() => origin.close());
beforeEach(async () => {
  dir = await testDir("direct");
  proxy = await startEgressProxy({ allowPrivate: true });
  egress = proxy.openAttempt("direct");
});
afterEach(async () => {
  await proxy.close();
  await removeAttempt(dir);
});

const request = (path: string, more: Partial<MediaRequest> = {}): MediaRequest =>
  mediaRequest(`${origin.url}/${path}`, dir, {}, { proxyUrl: egress.proxyUrl, direct: egress.direct, ...more });
const run = (asked: MediaRequest, using = deps) => runMedia(asked, using);
const bytesOf = async (path: string) => Buffer.from(await (await fetch(`${origin.url}/${path}`)).bytes());
const ours = (path: string) => origin.requests.filter((one) => one.path.startsWith(path) && one.headers.range);

describe("a single file behind one address", () => {
  it("is fetched by ourselves, in ranges, and is the same byte for byte", async () => {
    const path = "padded/9000000/video-360.mp4";
    const before = ours("/padded").length;
    const made = await run(request(path));
    expect(made.telemetry).toMatchObject({
      download_strategy: "direct",
      cascade_total_attempts: 1,
      download_retries: 0,
    });
    expect(readFileSync(made.files[0]?.path ?? "").equals(await bytesOf(path))).toBe(true);
    expect(ours("/padded").length - before).toBeGreaterThan(2);
    expect(egress.bytes().received).toBeGreaterThan(9_000_000);
  });

  it("is asked for with the headers of its page", async () => {
    const made = await run(request("pages/html5", { options: jobOptions({ max_resolution: "360" }) }));
    expect(made.telemetry.download_strategy).toBe("direct");
    const asked = origin.requests.findLast((one) => one.path.startsWith("/video-360"));
    expect(asked?.headers).toMatchObject({ referer: `${origin.url}/pages/html5`, "accept-encoding": "identity" });
  });

  it("is left to the other downloader where our own hears no", async () => {
    // The look is answered; the first download, ours, is not.
    const made = await run(request("flaky/403/2-2/direct-no/video-360.mp4"));
    expect(made.telemetry).toMatchObject({ download_strategy: "generic", cascade_total_attempts: 2 });
  });
});

describe("one format", () => {
  /** As after a look that found this format; the look itself takes yt-dlp most of a second. */
  async function fetchOne(path: string, maxBytes: number | null = null, format: Record<string, unknown> = {}) {
    const chosen = { format_id: "f", url: `${origin.url}/${path}`, protocol: "http", ...format };
    await writeFile(join(dir, "info.json"), JSON.stringify({ formats: [chosen] }));
    const wanted = { formatId: "f", fileName: "source-0", maxBytes, onProgress: () => {} };
    const { signal } = new AbortController();
    const tuning = { backoffMs: () => 0 };
    return downloadDirect(wanted, { dir, way: egress.direct, cookieFile: null, signal, tuning });
  }
  const nothingLeft = () => expect(readdirSync(dir)).toEqual(["info.json"]);

  it("is gone on with after a reset, and the repeat is counted", async () => {
    const made = await fetchOne("flaky/reset/1/direct/video-720.mp4");
    expect(made).toMatchObject({ retries: 1 });
    expect(readFileSync(join(dir, "source-0")).equals(await bytesOf("video-720.mp4"))).toBe(true);
  });

  it("is asked for with its own headers and cookies", async () => {
    expect(await fetchOne("header/video-360.mp4", null, { http_headers: { Referer: "http://page/" } })).toBeTypeOf(
      "object",
    );
    await rm(join(dir, "source-0"));
    const cookies = "session=open; Domain=127.0.0.1; Path=/";
    expect(await fetchOne("cookie/video-360.mp4", null, { cookies })).toBeTypeOf("object");
  });

  it("is asked for with the cookies of the job's own file", async () => {
    await writeFile(join(dir, "cookies.txt"), "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\topen\n");
    const chosen = { format_id: "f", url: `${origin.url}/cookie/video-360.mp4`, protocol: "http" };
    await writeFile(join(dir, "info.json"), JSON.stringify({ formats: [chosen] }));
    const wanted = { formatId: "f", fileName: "source-0", maxBytes: null, onProgress: () => {} };
    const context = { dir, way: egress.direct, signal: new AbortController().signal };
    expect(await downloadDirect(wanted, { ...context, cookieFile: null })).toBe("declined");
    expect(await downloadDirect(wanted, { ...context, cookieFile: join(dir, "cookies.txt") })).toBeTypeOf("object");
  });

  it.each([
    ["flaky/404/1/direct-gone/video-360.mp4", "removed"],
    ["status/429/video-360.mp4", "rate"],
    ["truncated/video-360.mp4", "network"],
  ])("at /%s fails with class %s and leaves nothing", async (path, expected) => {
    await expect(fetchOne(path)).rejects.toMatchObject({ name: "MediaFailure", class: expected });
    nothingLeft();
  });

  it("over the limit fails before its body", async () => {
    await expect(fetchOne("padded/700000000/video-360.mp4", 600_000_000)).rejects.toMatchObject({
      class: "too_large",
      message: "File exceeds the limit of 572.2 MB",
    });
    expect(egress.bytes().received).toBeLessThan(20_000_000);
    nothingLeft();
  });

  it("of no length is stopped at the limit", async () => {
    await expect(fetchOne("endless/video-360.mp4", 2_000_000)).rejects.toMatchObject({ class: "too_large" });
    expect(egress.bytes().received).toBeLessThan(40_000_000);
    nothingLeft();
  });

  it.each(["http://169.254.169.254/latest/meta-data/", "http://[::ffff:a9fe:a9fe]/", "http://[fd00:ec2::254]/"])(
    "at %s, as a page may say, is refused",
    async (url) => {
      await expect(fetchOne("", null, { url })).rejects.toMatchObject({
        class: "unsupported",
        message: "Unsupported URL",
      });
      expect(egress.refusals()).toMatchObject([{ reason: "private" }]);
      nothingLeft();
    },
  );

  it.each<[string, Record<string, unknown>]>([
    ["a playlist", { protocol: "m3u8_native" }],
    ["in fragments", { protocol: "http_dash_segments", fragments: [{ url: "x" }] }],
    ["a file of this machine", { url: "file:///etc/passwd", protocol: "http" }],
    ["a file by its protocol", { url: "file:///etc/passwd", protocol: "file" }],
    ["asked for by POST", { request_data: "x=1" }],
    ["protected", { has_drm: true }],
  ])("that is %s is none of ours, and nobody is asked", async (_what, format) => {
    const before = origin.requests.length;
    expect(await fetchOne("video-360.mp4", null, format)).toBe("unfit");
    expect(origin.requests.length).toBe(before);
    nothingLeft();
  });
});

describe("a disk that runs full under a job", () => {
  it("ends it with class disk while something is left", async () => {
    let looks = 0;
    const filling: MediaDeps = { ...deps, freeBytes: async () => (++looks > 1 ? DISK_LOW_WATER_BYTES - 1 : 1e12) };
    // 8 MB at 400 kB/s for each connection would take five seconds.
    await expect(run(request("slow/400000/padded/8000000/video-360.mp4"), filling)).rejects.toMatchObject({
      class: "disk",
      message: "Worker node ran out of disk space",
    });
    await origin.idle();
  });
});
