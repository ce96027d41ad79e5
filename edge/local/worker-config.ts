import type { V4WorkerOptionsShape } from "miniflare";
import type { Credentials } from "./credentials.ts";

/**
 * What `wrangler.toml` says about the Worker. wrangler reads that file, but is a development tool and absent from an
 * installed package, so the few values stand here too; a test holds the two against each other.
 */
export const WORKER = {
  name: "trawl",
  compatibilityDate: "2026-11-02",
  compatibilityFlags: ["nodejs_compat"],
  database: { binding: "DB", name: "trawl" },
  bucket: { binding: "FILES", name: "trawl-files" },
  durableObjects: { PARTITION: "Partition", EVENT_STREAM: "EventStream", COURIER: "Courier" },
  cron: "* * * * *",
} as const;

/** Of the Worker's names those whose values are secrets: on Cloudflare `wrangler secret put`, never a var. */
export const WORKER_SECRETS = ["TRAWL_ADMIN_TOKEN", "TRAWL_SECRET", "TRAWL_KEK", "TRAWL_R2_KEY_ID", "TRAWL_R2_SECRET"];

/** Operator's variables that the Worker reads; those that are set are passed on. */
export const PASSED_VARS = [
  "TRAWL_HOST",
  "TRAWL_PUBLIC_URL",
  "TRAWL_PARTITIONS",
  "TRAWL_REGION",
  "TRAWL_MAX_PENDING",
  "TRAWL_MAX_PARTITION_READY",
  "TRAWL_MAX_PER_HOST",
  "TRAWL_RATE",
  "TRAWL_LEASE_TTL_MS",
  "TRAWL_DEADLINE_MS",
  "TRAWL_ALLOW_PRIVATE",
  "TRAWL_ALLOW_HOSTS",
  "TRAWL_RETENTION_DAYS",
  "TRAWL_HISTORY_DAYS",
  "TRAWL_TRUST_PROXY",
  "TRAWL_FILES_URL",
  "TRAWL_YTDLP_MIN",
  "TRAWL_INFO_JSON",
  "TRAWL_SPOTIFY_URL",
  "TRAWL_PODCAST_DIRECTORY_URL",
  "TRAWL_R2_ACCOUNT",
  "TRAWL_R2_KEY_ID",
  "TRAWL_R2_SECRET",
  "TRAWL_R2_BUCKET",
  "TRAWL_OPEN",
  "TRAWL_CONSOLE",
  "TRAWL_CHECK_UPDATES",
  "TRAWL_WEBDRIVER_URL",
  "TRAWL_FLARESOLVERR_URL",
  "TRAWL_LOG",
] as const;

/** The disk store service, as the host started it; null when files go elsewhere (`TRAWL_STORE=r2`). */
export type StoreAddress = { url: string; port: number } | null;

/** The Worker's text bindings: the same names as in the operator's environment. */
export function workerVars(
  credentials: Credentials,
  store: StoreAddress,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  const passed = PASSED_VARS.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(passed),
    TRAWL_ADMIN_TOKEN: credentials.admin_token,
    TRAWL_SECRET: credentials.secret,
    TRAWL_KEK: credentials.kek,
    TRAWL_STORE: env.TRAWL_STORE || "disk",
    ...(store === null ? {} : { TRAWL_STORE_SECRET: credentials.store_secret, TRAWL_STORE_URL: store.url }),
  };
}

/**
 * The bindings, in Miniflare's flat shape.
 *
 * @param host answers what the Worker asks of this process; only the Worker reaches it.
 */
export function workerBindings(
  vars: Record<string, string>,
  store: StoreAddress,
  host: (request: Request) => Promise<Response>,
): V4WorkerOptionsShape {
  const services = { HOST: (request: unknown) => host(request as Request) as never };
  return {
    name: WORKER.name,
    compatibilityDate: WORKER.compatibilityDate,
    compatibilityFlags: [...WORKER.compatibilityFlags],
    bindings: vars,
    d1Databases: { [WORKER.database.binding]: WORKER.database.name },
    durableObjects: Object.fromEntries(
      Object.entries(WORKER.durableObjects).map(([binding, className]) => [binding, { className, useSQLite: true }]),
    ),
    ...(store === null
      ? { r2Buckets: { [WORKER.bucket.binding]: WORKER.bucket.name }, serviceBindings: services }
      : { serviceBindings: { ...services, STORE: { external: { address: `127.0.0.1:${store.port}`, http: {} } } } }),
  };
}
