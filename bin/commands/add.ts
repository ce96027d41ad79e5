import { randomUUID } from "node:crypto";
import { Command } from "commander";
import { z } from "zod";
import { type ApiClient, apiClient } from "../api-client.ts";
import { httpUrl } from "../arguments.ts";
import { resolveConnection } from "../connection.ts";
import type { SetExit } from "../program.ts";
import { waitForJobs } from "../wait-for-jobs.ts";

type AddFlags = {
  wait?: boolean;
  audioOnly?: boolean;
  format?: string;
  maxResolution?: string;
  clipStart?: string;
  clipEnd?: string;
  folder?: string;
  filename?: string;
  webhook?: string;
  json?: boolean;
};

/** A single job, a playlist or a show (jobs API 3.3). */
const CreatedSchema = z.union([
  z.looseObject({ job_id: z.string() }),
  z.looseObject({ batch_id: z.string(), video_jobs: z.array(z.string()) }),
  z.looseObject({ batch_id: z.string(), episode_jobs: z.array(z.string()) }),
]);

/** `trawl add`: submits URLs, and follows them with `--wait`. */
export function addCommand(setExit: SetExit): Command {
  return new Command("add")
    .description("submit URLs")
    .argument("<url...>", "media pages, playlists or feeds")
    .option("--wait", "follow the jobs; exit 0 only if all completed")
    .option("--audio-only", "audio track only")
    .option("--format <format>", "mp4, mkv, webm, mov, m4a, mp3, ogg or opus")
    .option("--max-resolution <r>", "best, 2160, 1440, 1080, 720, 480 or 360")
    .option("--clip-start <time>", "HH:MM:SS, MM:SS or seconds")
    .option("--clip-end <time>", "HH:MM:SS, MM:SS or seconds")
    .option("--folder <folder>", "folder to deliver into")
    .option("--filename <name>", "name without extension")
    .option("--webhook <url>", "called when a job ends", httpUrl)
    .option("--json", "one line of JSON a job")
    .action(async (urls: string[], flags: AddFlags) => {
      const client = apiClient(await resolveConnection());
      const ids: string[] = [];
      for (const url of urls) {
        const created = await create(client, url, flags);
        ids.push(...jobIds(created));
        if (!flags.wait) print(created, flags.json === true);
      }
      if (flags.wait) setExit(await waitForJobs(client, ids, { json: flags.json === true }));
    });
}

async function create(client: ApiClient, url: string, flags: AddFlags): Promise<z.infer<typeof CreatedSchema>> {
  return client.json(CreatedSchema, "/jobs", {
    method: "POST",
    // With it the client may repeat a create whose answer was a 503.
    headers: { "x-idempotency-key": randomUUID() },
    body: {
      url,
      audio_only: flags.audioOnly,
      format: flags.format,
      max_resolution: flags.maxResolution,
      clip_start: flags.clipStart,
      clip_end: flags.clipEnd,
      folder: flags.folder,
      filename: flags.filename,
      webhook_url: flags.webhook,
    },
  });
}

function jobIds(created: z.infer<typeof CreatedSchema>): string[] {
  if ("job_id" in created) return [created.job_id as string];
  return ("video_jobs" in created ? created.video_jobs : created.episode_jobs) as string[];
}

function print(created: z.infer<typeof CreatedSchema>, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(created)}\n` : `${jobIds(created).join("\n")}\n`);
}
