/** API keys: random, shown once, kept as SHA-256 (DESIGN section 6). */
import { SCOPES, type Scope } from "../../shared/contract/admin.ts";
import { toHex } from "../../shared/hex.ts";
import { toBase64Url } from "./signing.ts";

export type { Scope };

export const KEY_PREFIX = "sk_";
/** Longest key that a client may send (jobs API 1.1). */
export const MAX_KEY_LENGTH = 256;
/** 178 bits of randomness and more. */
const KEY_BYTES = 24;

/** Scopes of a key made without any (operator's manual). `admin` is never given by default. */
export const DEFAULT_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== "admin");

export function randomKey(prefix: string): string {
  return prefix + toBase64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(digest));
}

/** Compares two texts in time that depends on their lengths only. */
export async function sameSecret(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([sha256Hex(given), sha256Hex(expected)]);
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}
