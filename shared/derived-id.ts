import { uuidv7 } from "./ids.ts";

/**
 * A UUID v7 that is derived, never drawn (DESIGN section 2): the same time and the same parts give the same id, so that what
 * is made twice is one thing. Its bits beside the time are SHA-256 over the parts.
 *
 * @example await derivedId(job.created_at, job.id, "batch")
 */
export async function derivedId(unixMs: number, ...parts: string[]): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(parts.join("\n")));
  return uuidv7(unixMs, new Uint8Array(digest));
}
