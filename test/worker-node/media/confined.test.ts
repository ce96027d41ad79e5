/** Whole attempts with tools that run under a uid of their own, where the node may give them one. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { probe } from "../../../worker-node/media/ffmpeg/probe.ts";
import { type MediaDeps, mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import { makeFolder, type ToolUsers, toolUser } from "../../../worker-node/process/confine.ts";
import { removeAttempt } from "../../../worker-node/process/leftovers.ts";
import { openToolUsers } from "../../../worker-node/process/open-users.ts";
import { testDir } from "../../leaks.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { mediaRequest, runMedia } from "./attempt.ts";
import { realTools } from "./tools.ts";

let origin: Origin;
let proxy: EgressProxy;
let deps: MediaDeps;
let users: ToolUsers | undefined;
let workRoot: string;
let dir: string;
beforeAll(async () => {
  const [site, tools] = await Promise.all([startOrigin(), realTools()]);
  origin = site;
  deps = mediaDeps(tools);
  proxy = await startEgressProxy({ allowPrivate: true });
});
afterAll(async () => {
  await proxy.close();
  await origin.close();
});
beforeEach(async () => {
  workRoot = join(await testDir("data"), "work");
  mkdirSync(workRoot);
  ({ users } = await openToolUsers([workRoot], await realTools()));
  dir = join(workRoot, "job.1.1");
  await makeFolder(dir, users ?? null);
});

async function run(path: string, options: Partial<JobOptions>, using = deps) {
  const way = proxy.openAttempt("confined");
  const guarded = { proxyUrl: way.proxyUrl, direct: way.direct };
  try {
    return await runMedia(mediaRequest(`${origin.url}/${path}`, dir, options, guarded), using);
  } finally {
    way.close();
  }
}

describe("an attempt with a uid of its own, where the node is root", () => {
  it("downloads, converts, and hands its files over to the node alone", async () => {
    const owned = toolUser(dir) !== null;
    expect(owned).toBe(users !== undefined);
    const side = { download_subtitles: true, download_thumbnail: true };
    const made = await run("pages/html5", { ...side, max_resolution: "360", video_codec: "h264", format: "mkv" });
    expect(made.files.map(({ kind }) => kind)).toEqual(["media", "subtitle", "thumbnail"]);
    expect(made.telemetry.download_strategy).toBe("direct");
    const probed = await probe(deps.ffprobe, made.files[0]?.path ?? "", { dir });
    expect(probed.streams.map(({ codec }) => codec)).toEqual(["h264", "aac"]);
    expect(toolUser(dir)).toBeNull();
    expect(lstatSync(dir).uid).toBe(process.getuid?.());
    for (const { path } of made.files) expect(lstatSync(path).uid).toBe(process.getuid?.());
    await removeAttempt(dir);
    expect(existsSync(dir)).toBe(false);
  });

  it("records fragments by yt-dlp too", async () => {
    const made = await run("hls/master.m3u8", { max_resolution: "360" });
    expect(made.files[0]?.size).toBeGreaterThan(100_000);
  });

  it("delivers no file that turned out to be a way to another", async () => {
    const secret = join(workRoot, "secret");
    writeFileSync(secret, readFileSync(await sample()), { mode: 0o600 });
    // A tool that was taken over, at the last moment: what it downloaded becomes a link to something of the node's.
    const taken: MediaDeps = { ...deps, ffprobe: { ...deps.ffprobe, command: [await taker(secret)] } };
    await expect(run("video-360.mp4", {}, taken)).rejects.toMatchObject({ class: "media" });
  });
});

/** A film to steal. */
async function sample(): Promise<string> {
  const path = join(await testDir("sample"), "film.mp4");
  writeFileSync(path, Buffer.from(await (await fetch(`${origin.url}/video-360.mp4`)).bytes()));
  return path;
}

/** Probes like ffprobe, and puts a link in the place of what it probed. */
async function taker(secret: string): Promise<string> {
  const path = join(await testDir("taker"), "ffprobe");
  const real = deps.ffprobe.command[0] ?? "";
  writeFileSync(path, `#!/bin/sh\n"${real}" "$@" || exit\nrm -f source-0\nln -s "${secret}" source-0\n`);
  chmodSync(path, 0o755);
  return path;
}
