import type { UrlPolicy } from "../shared/url-guard.ts";
import type { Courier } from "./courier/courier.ts";
import type { EventStream } from "./events/event-stream.ts";
import type { Partition } from "./partition/partition.ts";
import { toNumber } from "./settings.ts";

/** Bindings of the Worker. Vars and secrets bear the names of the operator's manual; all of them arrive as text. */
export interface Env {
  DB: D1Database;
  PARTITION: DurableObjectNamespace<Partition>;
  EVENT_STREAM: DurableObjectNamespace<EventStream>;
  COURIER: DurableObjectNamespace<Courier>;
  /** The disk store service; only in the embedded stack. */
  STORE?: Fetcher;
  /** The process that runs the embedded stack (`edge/local/orders.ts`); nowhere else. */
  HOST?: Fetcher;
  /** Managed files on R2 (`TRAWL_STORE=r2`), where no keys of its S3 API are configured. */
  FILES?: R2Bucket;

  TRAWL_ADMIN_TOKEN?: string;
  TRAWL_SECRET?: string;
  TRAWL_KEK?: string;
  TRAWL_STORE?: string;
  TRAWL_STORE_SECRET?: string;
  TRAWL_STORE_URL?: string;
  TRAWL_R2_ACCOUNT?: string;
  TRAWL_R2_KEY_ID?: string;
  TRAWL_R2_SECRET?: string;
  TRAWL_R2_BUCKET?: string;
  TRAWL_PUBLIC_URL?: string;
  TRAWL_FILES_URL?: string;
  TRAWL_TRUST_PROXY?: string;
  TRAWL_PARTITIONS?: string;
  TRAWL_REGION?: string;
  TRAWL_MAX_PENDING?: string;
  TRAWL_MAX_PARTITION_READY?: string;
  TRAWL_MAX_PER_HOST?: string;
  TRAWL_RATE?: string;
  TRAWL_INFO_JSON?: string;
  TRAWL_CONSOLE?: string;
  /** Address that the embedded stack listens on; absent on Cloudflare. */
  TRAWL_HOST?: string;
  TRAWL_OPEN?: string;
  TRAWL_LEASE_TTL_MS?: string;
  TRAWL_DEADLINE_MS?: string;
  TRAWL_YTDLP_MIN?: string;
  TRAWL_ALLOW_PRIVATE?: string;
  TRAWL_ALLOW_HOSTS?: string;
  TRAWL_RETENTION_DAYS?: string;
  TRAWL_HISTORY_DAYS?: string;
  TRAWL_LOG?: string;
}

/** What the operator allows job, webhook and storage URLs to reach (jobs API 1.5). */
export function urlPolicy(env: Env): UrlPolicy {
  const allowHosts = (env.TRAWL_ALLOW_HOSTS ?? "").split(/[\s,]+/).filter((host) => host !== "");
  return { allowPrivate: env.TRAWL_ALLOW_PRIVATE === "1", allowHosts };
}

/** A number of the environment; anything that is not one is the default, and a {@link settingFaults} of the Worker's. */
export function envNumber(text: string | undefined, fallback: number): number {
  return toNumber(text) ?? fallback;
}
