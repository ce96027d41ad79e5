/** Passwords of accounts (library API 1.2): PBKDF2-HMAC-SHA-256, kept as `pbkdf2-sha256$<rounds>$<salt>$<hash>`. */
import { fromBase64Url, toBase64Url } from "./signing.ts";

/** The most that Workers allow. */
const ROUNDS = 100_000;
const SALT_BYTES = 16;
const HASH_BITS = 256;
const KIND = "pbkdf2-sha256";

export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  return [KIND, ROUNDS, toBase64Url(salt), toBase64Url(await derive(password, salt, ROUNDS))].join("$");
}

/** False for a stored text that is not ours, too. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [kind, rounds, salt, hash] = stored.split("$");
  const saltBytes = fromBase64Url(salt ?? "");
  const expected = fromBase64Url(hash ?? "");
  if (kind !== KIND || saltBytes === null || expected === null || expected.length * 8 !== HASH_BITS) return false;
  const given = await derive(password, saltBytes, Number(rounds));
  let difference = 0;
  for (const [index, byte] of expected.entries()) difference |= byte ^ (given[index] ?? 0);
  return difference === 0;
}

async function derive(password: string, salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<Uint8Array> {
  // One password, however a keyboard composes its accents.
  const bytes = new TextEncoder().encode(password.normalize("NFC"));
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const params = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(params, key, HASH_BITS));
}
