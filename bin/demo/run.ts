import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { type Host, startHost } from "../../edge/local/host.ts";
import { createLog, parseLogLevel } from "../../edge/local/log.ts";
import { packageLayout } from "../../edge/local/package-root.ts";
import { onStopSignal } from "../../edge/local/signals.ts";
import { apiClient } from "../api-client.ts";
import { Failure } from "../cli-error.ts";
import { followJob } from "../follow-job.ts";
import type { Job } from "../job.ts";
import { createProgress } from "../progress.ts";
import { curlLines } from "../up-text.ts";
import { verifyVideo } from "./verify.ts";

/** What the sample is; the delivered file is held against it. */
const SAMPLE = { path: "video-720.mp4", codec: "h264", width: 1280, height: 720, seconds: 8 } as const;
/** Slow enough for a bar to be seen moving, fast enough for a demo. */
const SAMPLE_BYTES_PER_SECOND = 2_000_000;
const JOB_LIMIT_MS = 120_000;

type OriginModule = { startOrigin(): Promise<{ url: string; close(): Promise<void> }> };

/**
 * Everything once: starts the stack and a small media site, submits a generated video over HTTP, follows it, checks the
 * delivered file with ffprobe, shows the requests that did it, and stops what it started. The folder `.trawl/demo` is
 * kept, so that the next run finds it in place.
 *
 * @throws Failure saying what is off
 */
export async function runDemo(say: (line: string) => void = console.log): Promise<void> {
  const { root, isClone } = packageLayout();
  if (!isClone) {
    throw new Failure("the demo needs a clone of the repository; with this package, run: trawl up");
  }
  const stopped = new AbortController();
  const unlisten = onStopSignal(() => stopped.abort());
  const started: (() => Promise<void>)[] = [];
  try {
    say("Starting the stack and a media site …");
    // Not a literal: the bundle of the installed package must not take the site in.
    const site = pathToFileURL(join(root, "test", "origin", "server.ts")).href;
    const origin = await ((await import(site)) as OriginModule).startOrigin();
    started.push(() => origin.close());
    const host = await startDemoHost(root);
    started.push(() => host.stop());
    say(`  edge and one node at ${host.url}, sample at ${origin.url}/${SAMPLE.path}`);
    await deliver(host, `${origin.url}/slow/${SAMPLE_BYTES_PER_SECOND}/${SAMPLE.path}`, stopped.signal, say);
  } finally {
    for (const stop of started.reverse()) await stop();
    unlisten();
  }
  say("Stopped. To keep it running: npm start");
}

async function startDemoHost(root: string): Promise<Host> {
  const data = join(process.env.TRAWL_DATA || join(root, ".trawl"), "demo");
  // The sample site is on loopback. Lines of the log would tear the bar, so only warnings are let through.
  const log = process.env.TRAWL_LOG || "warn";
  const env: NodeJS.ProcessEnv = { ...process.env, TRAWL_ALLOW_PRIVATE: "1", TRAWL_STORE: "disk", TRAWL_LOG: log };
  delete env.TRAWL_PUBLIC_URL;
  return startHost({
    port: 0,
    host: "127.0.0.1",
    data,
    downloads: join(data, "downloads"),
    env,
    log: createLog(parseLogLevel(log)),
  });
}

async function deliver(host: Host, url: string, stopped: AbortSignal, say: (line: string) => void): Promise<void> {
  const client = apiClient({ edge: host.url, apiKey: host.apiKey, adminToken: null });
  const body = { url, folder: "demo", filename: "Trawl demo" };
  const { job_id: id } = await client.json(z.object({ job_id: z.string() }), "/jobs", { method: "POST", body });
  say(`Submitted job ${id}`);
  const progress = createProgress(process.stdout);
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(JOB_LIMIT_MS)]);
  const job = await followJob(client, id, { onState: (state) => progress.update("demo", state), signal }).catch(
    (error: unknown) => {
      if (stopped.aborted) throw new Failure("stopped");
      if (signal.aborted) throw new Failure(`the job did not end within ${JOB_LIMIT_MS / 1_000} s`);
      throw error;
    },
  );
  progress.done();
  const path = await check(job, host.downloadsDir);
  say(`Delivered and verified by ffprobe: ${path.facts}`);
  say(`  ${path.file}`);
  say("The same by hand, while `trawl up` runs:");
  for (const line of curlLines("http://127.0.0.1:8787", "$TRAWL_API_KEY", "https://example.com/video.mp4")) say(line);
  say('  curl -H "x-api-key: $TRAWL_API_KEY" http://127.0.0.1:8787/jobs/<job_id>      # status, progress, s3_url');
  say('  curl -o video.mp4 "<s3_url>"');
}

async function check(job: Job, downloads: string): Promise<{ file: string; facts: string }> {
  if (job.status !== "Completed")
    throw new Failure(`the job ended as ${job.status}: ${job.error ?? "no reason given"}`);
  const media = job.files.find((file) => file.kind === "media");
  if (media === undefined) throw new Failure("the job completed without a file");
  const file = join(downloads, media.key);
  return { file, facts: await verifyVideo(file, { ...SAMPLE, bytes: job.file_size }) };
}
