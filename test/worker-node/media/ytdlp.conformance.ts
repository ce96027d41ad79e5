/** What every adapter of the `YtDlp` port must do, on the fixture site. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { writeCookies } from "../../../worker-node/media/cookies.ts";
import { YTDLP_MEMORY_BYTES } from "../../../worker-node/media/ytdlp/command-line.ts";
import type { DownloadProgress, Extracted, YtDlp, YtDlpContext } from "../../../worker-node/media/ytdlp/port.ts";
import { groupAlive } from "../../../worker-node/process/group.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";

export function ytDlpConformance(name: string, make: () => Promise<YtDlp>): void {
  describe(`YtDlp by ${name}`, () => {
    let origin: Origin;
    let ytdlp: YtDlp;
    let context: YtDlpContext;
    beforeAll(async () => {
      [origin, ytdlp] = await Promise.all([startOrigin(), make()]);
    });
    afterAll(() => origin.close());
    beforeEach(() => {
      const dir = mkdtempSync(join(tmpdir(), "trawl-ytdlp-"));
      context = { dir, proxyUrl: null, signal: new AbortController().signal };
    });
    afterEach(() => rmSync(context.dir, { recursive: true, force: true }));

    const extract = (path: string, more: { playlist?: "auto" | "always" | "never"; listLimit?: number } = {}) =>
      ytdlp.extract({ url: `${origin.url}/${path}`, playlist: "auto", listLimit: 10, ...more }, context);
    const download = (
      formatId: string,
      more: { maxBytes?: number; onProgress?: (now: DownloadProgress) => void } = {},
    ) => ytdlp.download({ formatId, fileName: "source-0", maxBytes: null, onProgress: () => {}, ...more }, context);
    const single = (found: Extracted) => {
      if (found.kind !== "single") throw new Error("a list");
      return found.source;
    };

    it("names its version", () => {
      expect(ytdlp.version).toMatch(/^\d{4}\.\d+\.\d+/);
    });

    it("looks at a file and downloads it whole, with progress to the end", async () => {
      const source = single(await extract("video-360.mp4"));
      expect(source).toMatchObject({ extractor: "generic", id: "video-360", live: "no" });
      const seen: DownloadProgress[] = [];
      const done = await download("mp4", { onProgress: (now) => seen.push(now) });
      const whole = await (await fetch(`${origin.url}/video-360.mp4`)).bytes();
      expect(done).toMatchObject({ path: join(context.dir, "source-0"), size: whole.length, retries: 0 });
      expect(seen.at(-1)).toMatchObject({ bytes: whole.length, totalBytes: whole.length, fraction: 1 });
    });

    it("looks at an HLS playlist once, and downloads the variant that was chosen", async () => {
      const source = single(await extract("hls/master.m3u8"));
      expect(source.formats.map((one) => [one.id, one.height, one.vcodec])).toEqual([
        ["1200", 360, "avc1"],
        ["2600", 720, "avc1"],
      ]);
      expect(source.subtitles.map((one) => one.language).sort()).toEqual(["de", "en"]);
      const before = origin.requests.filter((one) => one.path.endsWith("master.m3u8")).length;
      await download("1200");
      expect(origin.requests.filter((one) => one.path.endsWith("master.m3u8")).length).toBe(before);
      expect(origin.requests.some((one) => one.path.startsWith("/hls/720p/"))).toBe(false);
    });

    it("fetches a subtitle track and a thumbnail of what it looked at", async () => {
      const source = single(await extract("hls/master.m3u8"));
      const track = source.subtitles.find((one) => one.language === "de");
      if (track === undefined) throw new Error("no German track");
      expect(await ytdlp.subtitle({ ...track, fileName: "subtitle-0" }, context)).toMatch(/subtitle-0\.\S*vtt$/);
      const url = `${origin.url}/thumbs/thumb.png`;
      expect(await ytdlp.thumbnail({ url, fileName: "thumbnail" }, context)).toMatch(/thumbnail\.\w+$/);
    });

    it("answers null for side files that are not there", async () => {
      await extract("video-360.mp4");
      const track = { language: "de", automatic: false, ext: "vtt" };
      expect(await ytdlp.subtitle({ ...track, fileName: "subtitle-0" }, context)).toBeNull();
      expect(await ytdlp.thumbnail({ url: `${origin.url}/none.jpg`, fileName: "thumbnail" }, context)).toBeNull();
    });

    it("answers a feed as a list, cut at the limit, with clean addresses", async () => {
      const found = await extract("feed.xml", { listLimit: 2 });
      expect(found).toMatchObject({ kind: "list", title: "The Beep Hour", truncated: true });
      expect(found.kind === "list" && found.entries.map((one) => one.url)).toEqual([
        `${origin.url}/episodes/3.mp3`,
        `${origin.url}/episodes/2.mp3`,
      ]);
    });

    it("tells the videos of one page apart", async () => {
      const found = await extract("pages/gallery");
      expect(found.kind === "list" && new Set(found.entries.map((one) => one.url)).size).toBe(3);
    });

    it.each([
      ["pages/plain", "unsupported"],
      ["drm/master.m3u8", "drm"],
      ["private/410", "removed"],
      ["private/404", "removed"],
      ["private/403", "private"],
      ["status/400/video-360.mp4", "unsupported"],
      ["status/412/video-360.mp4", "bot"],
      ["redirect-loop", "unsupported"],
      ["status/429/video-360.mp4", "rate"],
      ["status/503/video-360.mp4", "network"],
    ])("fails on /%s with class %s", async (path, expected) => {
      await expect(extract(path)).rejects.toMatchObject({ name: "MediaFailure", class: expected });
    });

    it("has little memory to give to a page that was made to take it all", async () => {
      const pids: number[] = [];
      const groups = { started: ({ pgid }: { pgid: number }) => void pids.push(pgid), ended: () => {} };
      const ending = new AbortController();
      const path = "/stall/pages/watch";
      const look = { url: `${origin.url}${path}`, playlist: "auto", listLimit: 10 } as const;
      const looking = ytdlp.extract(look, { ...context, groups, signal: ending.signal });
      await origin.waitForRequest(path, 1);
      const limits = readFileSync(`/proc/${pids[0]}/limits`, "latin1");
      expect(/^Max data size +(\d+)/m.exec(limits)?.[1]).toBe(String(YTDLP_MEMORY_BYTES));
      ending.abort();
      await expect(looking).rejects.toMatchObject({ class: "cancelled" });
    });

    it("sends cookies to the hosts of their domains alone, through redirects and in downloads side by side", async () => {
      const url = `${origin.url}/cookie/video-360.mp4`;
      const text = "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\topen\n";
      const withCookies = { ...context, cookiesFile: await writeCookies(context.dir, text) };
      const before = origin.requests.length;
      const away = encodeURIComponent(`http://localhost:${origin.port}/cookie/video-360.mp4`);
      const redirected = {
        url: `${origin.url}/redirect-to?url=${away}&code=302`,
        playlist: "auto",
        listLimit: 1,
      } as const;
      await expect(ytdlp.extract(redirected, withCookies)).rejects.toMatchObject({ class: "private" });
      for (const { headers } of origin.requests.slice(before))
        expect(headers.cookie ?? "").toBe(headers.host?.startsWith("127.") ? "session=open" : "");
      await ytdlp.extract({ url, playlist: "auto", listLimit: 1 }, withCookies);
      const get = (fileName: string) =>
        ytdlp.download({ formatId: "mp4", fileName, maxBytes: null, onProgress: () => {} }, withCookies);
      const [first, second] = await Promise.all([get("source-0"), get("source-1")]);
      expect(first.size).toBe(second.size);
      await expect(ytdlp.extract({ url, playlist: "auto", listLimit: 1 }, context)).rejects.toMatchObject({
        class: "private",
      });
    });

    it("fails on a source that ends half way, and leaves no finished file", async () => {
      await extract("truncated/video-360.mp4");
      await expect(download("mp4")).rejects.toMatchObject({ class: "network" });
      expect(readdirSync(context.dir)).not.toContain("source-0");
    });

    it("stops a download that grows past its limit", async () => {
      await extract("endless/video-360.mp4");
      await expect(download("mp4", { maxBytes: 2_097_152 })).rejects.toMatchObject({
        class: "too_large",
        message: "File exceeds the limit of 2 MB",
      });
      await origin.idle();
    });

    it("stops a download on abort, and leaves no process", async () => {
      const pgids: number[] = [];
      const abort = new AbortController();
      const groups = { started: (group: { pgid: number }) => void pgids.push(group.pgid), ended: () => {} };
      context = { ...context, signal: abort.signal, groups };
      const key = "conformance";
      await extract(`hold/${key}/video-720.mp4`);
      const running = download("mp4");
      await origin.waitForHeld(key, 2);
      abort.abort();
      await expect(running).rejects.toMatchObject({ class: "cancelled" });
      expect(pgids.length).toBeGreaterThan(0);
      expect(pgids.filter(groupAlive)).toEqual([]);
      origin.release(key);
    });

    it("starts nothing that it does not end, and tells of each group once", async () => {
      const groups = new Map<number, string[]>();
      const note = (pgid: number, what: string) => groups.set(pgid, [...(groups.get(pgid) ?? []), what]);
      const log = {
        started: ({ pgid, start_time }: { pgid: number; start_time: number }) => {
          expect(start_time).toBeGreaterThan(0);
          note(pgid, "started");
        },
        ended: (pgid: number) => note(pgid, "ended"),
      };
      context = { ...context, groups: log };
      await extract("video-360.mp4");
      await download("mp4");
      expect([...groups.values()]).toEqual([
        ["started", "ended"],
        ["started", "ended"],
      ]);
      expect([...groups.keys()].filter(groupAlive)).toEqual([]);
    });

    it("starts nothing, or ends it at once, when it is aborted as it begins", async () => {
      const abort = new AbortController();
      context = { ...context, signal: abort.signal };
      const looking = extract("hold/never/video-360.mp4");
      abort.abort();
      await expect(looking).rejects.toMatchObject({ class: "cancelled" });
      await expect(extract("video-360.mp4")).rejects.toMatchObject({ class: "cancelled" });
    });

    it("looks at several sources side by side without mixing them up", async () => {
      const files = ["video-360.mp4", "video-720.mp4", "video-360.webm", "hls/master.m3u8"];
      const looks = files.map(async (file) => {
        const dir = mkdtempSync(join(tmpdir(), "trawl-ytdlp-"));
        try {
          const request = { url: `${origin.url}/${file}`, playlist: "auto", listLimit: 1 } as const;
          return single(await ytdlp.extract(request, { ...context, dir })).id;
        } finally {
          rmSync(dir, { recursive: true });
        }
      });
      expect(await Promise.all(looks)).toEqual(["video-360", "video-720", "video-360", "master"]);
    });

    it("describes a list, or the one video, as it is asked to", async () => {
      const url = `${origin.url}/feed.xml`;
      const list = await ytdlp.describe({ url, prefer: "list", entries: 2 }, context);
      expect(list).toMatchObject({ _type: "playlist", title: "The Beep Hour", entries: [{}, {}] });
      expect(readdirSync(context.dir)).not.toContain("info.json");
    });

    it("tells every option that yt-dlp shows, in its order", async () => {
      const answer = await ytdlp.ask({ ask: "options" }, context);
      const { version, options } = answer as { version: string; options: { flags: string[]; group: string }[] };
      expect(version).toBe(ytdlp.version);
      expect(options.length).toBeGreaterThan(200);
      expect(options[0]).toMatchObject({ flags: ["-h", "--help"], group: "General Options" });
      const flags = options.flatMap((one) => one.flags);
      expect(flags).toContain("--ignore-errors");
      expect(flags, "a hidden one").not.toContain("--write-annotations");
      expect(new Set(options.map((one) => one.group)).size).toBe(16);
    });

    it.each([
      ["-f best -x -o X -P home:/x", { output_template: "X", download_path: "/x", format: "best" }],
      ["--match-filters A", { opts: { match_filter: { filters: ["A"] } }, output_template: null, format: null }],
      ["--nope", { refused: "No such option: --nope" }],
      // None of them has a meaning here, in any spelling, and none acts while it is parsed.
      ["--config-loc /etc", { refused: "No such option: --config-loc" }],
      ["--downloader aria2c", { refused: "No such option: --downloader" }],
      ["--compat-options all", { refused: "Invalid compat option: allow-unsafe-ext" }],
    ])("parses %s as yt-dlp does", async (args, expected) => {
      expect(await ytdlp.ask({ ask: "parse", args: args.split(" ") }, context)).toMatchObject(expected);
    });

    it("finds archive ids by address patterns alone", async () => {
      const urls = ["https://youtu.be/dQw4w9WgXcQ", "https://example.com/x", "nope"];
      const nothing = { id: null, ie_key: null, archive_id: null };
      const found = { id: "dQw4w9WgXcQ", ie_key: "Youtube", archive_id: "youtube dQw4w9WgXcQ" };
      expect(await ytdlp.ask({ ask: "archive_ids", urls }, context)).toEqual({ ids: [found, nothing, nothing] });
    });

    it("looks with a user's options and writes nothing", async () => {
      const args = ["--user-agent", "Mine/1", "--write-info-json", "--embed-subs", "--parse-metadata", "id:%(title)s"];
      const url = `${origin.url}/hls/master.m3u8`;
      const answer = await ytdlp.ask({ ask: "info", url, args: [...args, "-f", "1200"] }, context);
      expect(answer).toMatchObject({ info: { id: "master", title: "master", format_id: "1200", _type: "video" } });
      expect(origin.requests.findLast((one) => one.path === "/hls/master.m3u8")?.headers["user-agent"]).toBe("Mine/1");
      expect(readdirSync(context.dir)).toEqual([]);
    });

    it("leaves the entries of a list unopened, as many as the user wants", async () => {
      const url = `${origin.url}/feed.xml`;
      const answer = await ytdlp.ask({ ask: "info", url, args: ["--playlist-items", "2:3"] }, context);
      expect(answer).toMatchObject({ info: { _type: "playlist", title: "The Beep Hour", entries: [{}, {}] } });
    });

    it("classes a look that fails, and keeps what yt-dlp said", async () => {
      const asked = ytdlp.ask({ ask: "info", url: `${origin.url}/private/404`, args: [] }, context);
      const log = [expect.stringMatching(/^ERROR: \[generic\].*HTTP Error 404/)];
      await expect(asked).rejects.toMatchObject({ class: "removed", log });
    });

    it("reads no configuration, plugin, module or password file that lies in the attempt's folder", async () => {
      const pwned = join(context.dir, "pwned");
      const python = `open(${JSON.stringify(pwned)}, "w")\n`;
      const planted = {
        "yt-dlp.conf": `--exec "before_dl:touch ${pwned}"\n--output ${pwned}`,
        ".config/yt-dlp/config": `--exec "before_dl:touch ${pwned}"`,
        ".yt-dlp/config": `--output ${pwned}`,
        "yt-dlp-plugins/a/yt_dlp_plugins/extractor/a.py": python,
        ".config/yt-dlp/plugins/a/yt_dlp_plugins/extractor/a.py": python,
        "yt_dlp_plugins/extractor/a.py": python,
        "yt_dlp/__init__.py": python,
        "json.py": python,
        "sitecustomize.py": python,
        ".netrc": "machine 127.0.0.1 login a password b",
      };
      for (const [path, text] of Object.entries(planted)) {
        mkdirSync(dirname(join(context.dir, path)), { recursive: true });
        writeFileSync(join(context.dir, path), text, { mode: 0o600 });
      }
      await extract("video-360.mp4");
      await download("mp4");
      await ytdlp.ask({ ask: "info", url: `${origin.url}/video-360.mp4`, args: [] }, context);
      expect(readdirSync(context.dir)).not.toContain("pwned");
      expect(readdirSync(context.dir)).toContain("source-0");
    });

    describe("through the egress guard", () => {
      let proxy: EgressProxy | undefined;
      afterEach(async () => {
        await proxy?.close();
        proxy = undefined;
      });

      it("sends everything with the attempt's password", async () => {
        proxy = await startEgressProxy({ allowPrivate: true });
        const attempt = proxy.openAttempt("conformance");
        context = { ...context, proxyUrl: attempt.proxyUrl };
        await extract("hls/master.m3u8");
        const { size } = await download("1200");
        expect(attempt.bytes().received).toBeGreaterThan(size);
      });

      it("fails as for an unsupported address where the guard refuses one", async () => {
        proxy = await startEgressProxy();
        context = { ...context, proxyUrl: proxy.openAttempt("conformance").proxyUrl };
        const before = origin.requests.length;
        await expect(extract("video-360.mp4")).rejects.toMatchObject({
          class: "unsupported",
          message: "Unsupported URL",
        });
        expect(origin.requests.length).toBe(before);
      });
    });

    it("never takes an address for an option", async () => {
      const request = { url: "--version", playlist: "auto", listLimit: 1 } as const;
      await expect(ytdlp.extract(request, context)).rejects.toMatchObject({ class: "unsupported" });
    });

    it("never takes a format id for anything but the name of a format", async () => {
      await extract("video-360.mp4");
      await expect(download("best")).rejects.toMatchObject({ class: "unsupported" });
    });
  });
}
