/**
 * Secrets at rest (DESIGN section 6): envelope encryption by WebCrypto. Each record has a data key of its own, wrapped by
 * a key encryption key (KEK); both layers are AES-256-GCM and bound to the account and the purpose, so that a record
 * copied into another row opens nowhere.
 *
 * Text form: `v1.<kek id>.<wrapped key>.<iv>.<ciphertext>`, base64url; the wrapped key carries its own iv in front.
 */
import { fromBase64Url, toBase64Url } from "./signing.ts";

const VERSION = "v1";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const KEK_ID = /^[A-Za-z0-9_-]{1,32}$/;

export type SecretBoxReason = "not_configured" | "bad_kek" | "malformed" | "unknown_kek" | "not_authentic";

/** Its message names no secret and may be logged. */
export class SecretBoxError extends Error {
  override readonly name = "SecretBoxError";
  readonly reason: SecretBoxReason;

  constructor(reason: SecretBoxReason, text: string) {
    super(text);
    this.reason = reason;
  }
}

/** What a record belongs to; authenticated, not stored. */
export interface SealContext {
  account: string;
  /** What it is for, such as `webhook-secret`. */
  purpose: string;
}

/** By its maker, because the runtimes whose types check this file name the class differently. */
type AesKey = Awaited<ReturnType<typeof importKey>>;

interface Kek {
  id: string;
  key: Promise<AesKey>;
}

const encoder = new TextEncoder();

export class SecretBox {
  readonly #keks: ReadonlyMap<string, Kek>;
  readonly #first: Kek;

  /**
   * @param keks `TRAWL_KEK`: `id:base64[,id:base64]`, 32 bytes each. The first seals, all open.
   * @throws SecretBoxError `not_configured`, `bad_kek`
   */
  constructor(keks: string | undefined) {
    const parsed = parseKeks(keks ?? "");
    const first = parsed[0];
    if (first === undefined) throw new SecretBoxError("not_configured", "TRAWL_KEK is not set");
    this.#first = first;
    this.#keks = new Map(parsed.map((kek) => [kek.id, kek]));
    if (this.#keks.size < parsed.length) throw new SecretBoxError("bad_kek", "TRAWL_KEK names a key twice");
  }

  /**
   * Encrypts a text under a fresh data key.
   *
   * @example await box.seal("whsec_…", { account: account.id, purpose: "webhook-secret" })
   */
  async seal(text: string, context: SealContext): Promise<string> {
    const dataKey = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const [wrapped, ciphertext] = await Promise.all([
      this.#wrap(dataKey, context),
      encrypt(await importKey(dataKey, "encrypt"), iv, aad(context, "text"), encoder.encode(text)),
    ]);
    return join(wrapped, iv, ciphertext);
  }

  /** The ids of its keys; the first seals. */
  get ids(): string[] {
    return [...this.#keks.keys()];
  }

  /**
   * The same record under the first KEK: its data key is wrapped anew, its text stays as it is.
   *
   * @throws SecretBoxError as {@link open}
   */
  async rewrap(sealed: string, context: SealContext): Promise<string> {
    const { iv, ciphertext, ...record } = parseRecord(sealed);
    const dataKey = await this.#unwrap(record, context);
    return join(await this.#wrap(dataKey, context), iv, ciphertext);
  }

  /**
   * Gives the text back.
   *
   * @throws SecretBoxError `malformed`; `unknown_kek` when its KEK is no longer configured; `not_authentic` for a record
   *   that was changed, or sealed for another account or purpose
   */
  async open(sealed: string, context: SealContext): Promise<string> {
    const { iv, ciphertext, ...record } = parseRecord(sealed);
    const dataKey = await this.#unwrap(record, context);
    return new TextDecoder().decode(
      await authentic(async () => decrypt(await importKey(dataKey, "decrypt"), iv, aad(context, "text"), ciphertext)),
    );
  }

  /** Under the first KEK. */
  async #wrap(dataKey: Bytes, context: SealContext): Promise<{ id: string; wrapped: Bytes }> {
    const { id, key } = this.#first;
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    return { id, wrapped: concat(iv, await encrypt(await key, iv, aad(context, `key ${id}`), dataKey)) };
  }

  async #unwrap({ id, wrapped }: { id: string; wrapped: Bytes }, context: SealContext): Promise<Bytes> {
    const kek = this.#keks.get(id);
    if (kek === undefined) throw new SecretBoxError("unknown_kek", `TRAWL_KEK has no key '${id}'`);
    const [iv, key] = [wrapped.subarray(0, IV_BYTES), wrapped.subarray(IV_BYTES)];
    return authentic(async () => decrypt(await kek.key, iv, aad(context, `key ${id}`), key));
  }
}

/** The id of the KEK that a record is under; null: it is no record. */
export function kekOf(sealed: string): string | null {
  const [version, id = ""] = sealed.split(".", 2);
  return version === VERSION && KEK_ID.test(id) ? id : null;
}

function join({ id, wrapped }: { id: string; wrapped: Bytes }, iv: Bytes, ciphertext: Bytes): string {
  return [VERSION, id, toBase64Url(wrapped), toBase64Url(iv), toBase64Url(ciphertext)].join(".");
}

async function authentic(decrypting: () => Promise<Bytes>): Promise<Bytes> {
  try {
    return await decrypting();
  } catch {
    throw new SecretBoxError("not_authentic", "a sealed record does not open here: changed, or not this account's");
  }
}

function parseKeks(text: string): Kek[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const at = part.indexOf(":");
      const id = part.slice(0, Math.max(0, at));
      const bytes = fromBase64Url(part.slice(at + 1));
      if (!KEK_ID.test(id)) throw new SecretBoxError("bad_kek", "TRAWL_KEK must be id:base64[,id:base64]");
      if (bytes?.length !== KEY_BYTES) {
        throw new SecretBoxError("bad_kek", `key '${id}' of TRAWL_KEK must be ${KEY_BYTES} bytes in base64`);
      }
      const key = crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
      return { id, key };
    });
}

function parseRecord(sealed: string) {
  const [version, id, ...encoded] = sealed.split(".");
  const [wrapped, iv, ciphertext, ...rest] = encoded.map(fromBase64Url);
  if (
    version !== VERSION ||
    id === undefined ||
    !wrapped ||
    iv?.length !== IV_BYTES ||
    !ciphertext ||
    rest.length > 0
  ) {
    throw new SecretBoxError("malformed", `a sealed record is not of the form ${VERSION}.<kek id>.<key>.<iv>.<text>`);
  }
  return { id, wrapped, iv, ciphertext };
}

/** JSON, so that no choice of account and purpose reads like another one. */
function aad(context: SealContext, part: string): Bytes {
  return encoder.encode(JSON.stringify([VERSION, part, context.account, context.purpose]));
}

type Bytes = Uint8Array;

async function importKey(bytes: Bytes, use: "encrypt" | "decrypt") {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [use]);
}

async function encrypt(key: AesKey, iv: Bytes, additionalData: Bytes, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, bytes));
}

async function decrypt(key: AesKey, iv: Bytes, additionalData: Bytes, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, bytes));
}

function concat(first: Bytes, second: Bytes): Bytes {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

const boxes = new Map<string, SecretBox>();

/** One box per `TRAWL_KEK`, so that imported keys are kept for the isolate's life. */
export function secretBoxOf(env: { TRAWL_KEK?: string }): SecretBox {
  const keks = env.TRAWL_KEK ?? "";
  const known = boxes.get(keks) ?? new SecretBox(keks);
  boxes.set(keks, known);
  return known;
}
