import { join } from "node:path";
import { type Credentials, readCredentials } from "../edge/local/credentials.ts";
import { DEFAULT_PORT } from "../edge/local/options.ts";
import { Failure } from "./cli-error.ts";

/** How a client command reaches the edge. */
export type Connection = { edge: string; apiKey: string | null; adminToken: string | null };

/**
 * Reads `TRAWL_EDGE`, `TRAWL_API_KEY`, `TRAWL_ADMIN_TOKEN`; what is not set comes from the data folder of the current
 * directory. The folder's keys are sent to the folder's own edge only, never to one that the environment names.
 */
export async function resolveConnection(env: NodeJS.ProcessEnv = process.env): Promise<Connection> {
  const kept = await readCredentials(join(env.TRAWL_DATA || ".trawl", "credentials.json"));
  const edge = (env.TRAWL_EDGE || kept?.url || `http://127.0.0.1:${DEFAULT_PORT}`).replace(/\/+$/, "");
  if (!/^https?:\/\//i.test(edge) || !URL.canParse(edge)) {
    throw new Failure(`TRAWL_EDGE must be an http or https URL, not ${edge}`);
  }
  const own = isSameEdge(edge, kept) ? kept : null;
  return {
    edge,
    apiKey: env.TRAWL_API_KEY || own?.api_key || null,
    adminToken: env.TRAWL_ADMIN_TOKEN || own?.admin_token || null,
  };
}

/** On one machine 127.0.0.1 and localhost are the same edge. */
function isSameEdge(edge: string, kept: Credentials | null): boolean {
  if (kept === null) return false;
  const [asked, own] = [new URL(edge), new URL(kept.url ?? `http://127.0.0.1:${DEFAULT_PORT}`)];
  const place = (url: URL) =>
    `${url.protocol}//${url.hostname.replace(/^(localhost|\[::1\])$/, "127.0.0.1")}:${url.port}`;
  return place(asked) === place(own);
}
