import { nthUuidv7, uuidv7 } from "./ids.ts";

/**
 * A UUID v7 that is derived, never drawn (DESIGN section 2): the same time and the same parts give the same id, so that what
 * is made twice is one thing. Its bits beside the time are SHA-256 over the parts.
 *
 * @example await derivedId(job.created_at, job.id, "batch")
 */
export async function derivedId(unixMs: number, ...parts: string[]): Promise<string> {
  return uuidv7(unixMs, await digestOf(parts));
}

/** As `derivedId`, for the `index`th of a list: the ids sort as the list does. */
export async function nthDerivedId(unixMs: number, index: number, ...parts: string[]): Promise<string> {
  return nthUuidv7(unixMs, await digestOf([...parts, String(index)]), index);
}

async function digestOf(parts: string[]): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(parts.join("\n"))));
}
