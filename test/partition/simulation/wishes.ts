/** What clients ask for, and what nodes find: drawn from the run's chance. */
import { createHash } from "node:crypto";
import type { NewBatch } from "../../../edge/partition/batches.ts";
import type { AccountFacts, NewJob } from "../../../edge/partition/create.ts";
import type { ExpansionIds } from "../../../edge/partition/expand.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { type JobWish, newJob } from "../fixtures.ts";
import { keyOf } from "./tenants.ts";
import type { World } from "./world.ts";

const HOSTS = ["one.example", "two.example", "three.example"];
export const WEBHOOK = "https://hooks.example/in";

interface Drawn {
  jobs: NewJob[];
  batch: NewBatch | null;
}

function drawWish({ random, now }: World, account: AccountFacts): JobWish {
  const webhook_url = random.chance(0.6) ? WEBHOOK : null;
  return {
    key_id: keyOf(account).id,
    created_at: now,
    priority: random.chance(0.2) ? random.below(5) - 2 : 0,
    tags: random.chance(0.1) ? ["region=eu"] : [],
    source_host: random.pick(HOSTS),
    sealed: random.chance(0.2) ? "ciphertext" : null,
    webhook_url,
    options: {
      download_thumbnail: random.chance(0.25),
      wait_for_video: random.chance(0.1),
      live_recording: random.chance(0.05),
      max_duration: 60,
      format: random.chance(0.2) ? "mkv" : "mp4",
      enable_progress_webhook: webhook_url !== null && random.chance(0.3),
      ...(random.chance(0.2) ? { hold_children: true } : {}),
      // Of its key, which has other limits than the account.
      ...(random.chance(0.1) ? { limits: { max_duration_seconds: 50, attempt_deadline_seconds: 200 } } : {}),
    },
  };
}

export function drawJob(world: World, account: AccountFacts): Drawn {
  const { random, now } = world;
  const wish = { ...drawWish(world, account), filename: random.chance(0.2) ? "Named" : null };
  return { jobs: [newJob(random.uuid(now), account.id, wish)], batch: null };
}

export function drawBatch(world: World, account: AccountFacts): Drawn {
  const { random, now } = world;
  const { options, ...wish } = drawWish(world, account);
  const kind = random.pick(["bulk", "playlist", "show"] as const);
  const held = random.chance(0.25);
  const id = random.uuid(now);
  const total = 1 + random.below(6);
  const webhook_url = kind === "bulk" ? null : (wish.webhook_url ?? null);
  const jobs = Array.from({ length: total }, (_, batch_index) =>
    newJob(random.uuid(now), account.id, {
      ...wish,
      webhook_url,
      options: { ...options, playlist: "never" },
      batch_id: id,
      batch_index,
      held,
      skip: kind === "show" && random.chance(0.2) ? "No open audio" : null,
    }),
  );
  const batch = {
    id,
    account_id: account.id,
    kind,
    source_url: kind === "bulk" ? null : "https://lists.example/1",
    folder: null,
    parent_job_id: null,
    webhook_url,
    created_at: now,
    paused: held,
    truncated: false,
    total,
  };
  return { jobs, batch };
}

/** What a list is, whoever looks: the same entries and, as the desk derives them, the same ids. */
export function listOf(job: string): { entries: { url: string; title: string }[]; ids: ExpansionIds } {
  const digest = (text: string) => createHash("sha256").update(`${job} ${text}`).digest();
  const time = Number.parseInt(job.replaceAll("-", "").slice(0, 12), 16);
  const count = 1 + ((digest("count")[0] ?? 0) % 4);
  const numbers = Array.from({ length: count }, (_, index) => index);
  return {
    entries: numbers.map((index) => ({ url: `https://one.example/${index}`, title: `Item ${index}` })),
    ids: {
      batch: uuidv7(time, digest("batch")),
      children: numbers.map((index) => uuidv7(time, digest(String(index)))),
    },
  };
}
