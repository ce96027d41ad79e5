/**
 * Signatures of the edge's own making: session keys, nonces, file URLs. Every purpose has a key of its own, derived by
 * HKDF from `TRAWL_SECRET`, which may hold two: the first signs, all verify.
 */

export type Purpose = "session-key" | "nonce" | "file-url" | "part-url" | "library-answer" | "browser-session";

/** By its maker, because the runtimes whose types check this file name the class differently. */
type HmacKey = Awaited<ReturnType<typeof deriveKey>>;

const encoder = new TextEncoder();

/** `btoa` takes a text; a spread of all bytes at once would overflow the stack. */
const ENCODE_CHUNK_BYTES = 8_192;

export function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += ENCODE_CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(at, at + ENCODE_CHUNK_BYTES));
  }
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Null for text that is not base64url. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

export class Signer {
  readonly #secrets: readonly string[];
  readonly #keys = new Map<string, Promise<HmacKey>>();

  /** @param secret `new[,old]` */
  constructor(secret: string | undefined) {
    this.#secrets = (secret ?? "").split(",").filter((each) => each !== "");
    if (this.#secrets.length === 0) throw new Error("TRAWL_SECRET is not set");
  }

  async sign(purpose: Purpose, text: string): Promise<string> {
    const key = await this.#key(purpose, this.#secrets[0] ?? "");
    return toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))));
  }

  /** Constant-time, by WebCrypto. */
  async verify(purpose: Purpose, text: string, signature: string): Promise<boolean> {
    const bytes = fromBase64Url(signature);
    // One text a signature: the last character has bits to spare, and another one would decode to the same bytes.
    if (bytes === null || toBase64Url(bytes) !== signature) return false;
    for (const secret of this.#secrets) {
      const key = await this.#key(purpose, secret);
      if (await crypto.subtle.verify("HMAC", key, bytes, encoder.encode(text))) return true;
    }
    return false;
  }

  /** A value that only we can have made: `<base64url of its JSON>.<signature>`. */
  async seal(purpose: Purpose, value: unknown): Promise<string> {
    const body = toBase64Url(encoder.encode(JSON.stringify(value)));
    return `${body}.${await this.sign(purpose, body)}`;
  }

  async open(purpose: Purpose, sealed: string): Promise<unknown> {
    const [body, signature, ...rest] = sealed.split(".");
    if (body === undefined || signature === undefined || rest.length > 0) return null;
    if (!(await this.verify(purpose, body, signature))) return null;
    const bytes = fromBase64Url(body);
    return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
  }

  #key(purpose: Purpose, secret: string): Promise<HmacKey> {
    const id = `${purpose}\n${secret}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const made = deriveKey(purpose, secret);
    this.#keys.set(id, made);
    return made;
  }
}

async function deriveKey(purpose: Purpose, secret: string) {
  const base = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(`trawl ${purpose}`) },
    base,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

const signers = new Map<string, Signer>();

/** One signer a secret, so that derived keys are kept for the isolate's life. */
export function signerOf(env: { TRAWL_SECRET?: string }): Signer {
  const secret = env.TRAWL_SECRET ?? "";
  const known = signers.get(secret) ?? new Signer(secret);
  signers.set(secret, known);
  return known;
}
