type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** HMAC-SHA256 of a text. @param key bytes, or a text taken as UTF-8 */
export async function hmacSha256(key: Bytes | string, text: string): Promise<Bytes> {
  const raw = typeof key === "string" ? encoder.encode(key) : key;
  const imported = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(text)));
}

/** The key that S3 and its kin derive by signing one text after the other. */
export async function derivedKey(secret: string, ...texts: readonly string[]): Promise<Bytes> {
  let key: Bytes = new Uint8Array(encoder.encode(secret));
  for (const text of texts) key = await hmacSha256(key, text);
  return key;
}
