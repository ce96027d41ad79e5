/**
 * Stores a part whose bytes have the MD5 that was told of them, and nothing of any other: the last piece of the body is held back
 * until all of it is counted, so a store never gets the whole of a part that changed on the way.
 */
import type { RelayedPart } from "../port.ts";
import { StoreError } from "../store-error.ts";

/** Read and hashed at once; two of them are in memory. 64 KiB took as long, with eight times as many turns. */
const PIECE_BYTES = 512 * 1024;
/** There is no end of an empty body to hold back. */
const MD5_OF_NOTHING = "1B2M2Y8AsgTpgAmY7PhCfg==";

/** What of workerd is used here; the runtimes whose types check this file do not both know it. */
interface Workerd {
  FixedLengthStream: new (
    length: number,
  ) => { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> };
  crypto: { DigestStream: new (algorithm: "MD5") => WritableStream<Uint8Array> & { digest: Promise<ArrayBuffer> } };
}
interface PieceReader {
  /** Less comes at the end only. The view's memory changes hands. */
  readAtLeast(bytes: number, view: Uint8Array): Promise<{ value?: Uint8Array<ArrayBuffer> }>;
}
const workerd = globalThis as unknown as Workerd;

/**
 * @param store gets a stream of known length, as R2 wants it
 * @throws StoreError `BadDigest` for other bytes; else what `store` throws, or the body
 * @example await storeProven(part, md5, (bytes) => upload.uploadPart(1, bytes));
 */
export async function storeProven<Stored>(
  { body, size }: Pick<RelayedPart, "body" | "size">,
  md5: string,
  store: (bytes: RelayedPart["body"]) => Promise<Stored>,
): Promise<Stored> {
  if (size === 0) {
    if (md5 !== MD5_OF_NOTHING) throw badDigest();
    return store(new Uint8Array());
  }
  const { readable, writable } = new workerd.FixedLengthStream(size);
  const out = writable.getWriter();
  const proof: { holds: boolean | null } = { holds: null };
  const isTold = (counted: string) => {
    proof.holds = counted === md5;
    return proof.holds;
  };
  const stop = (reason: unknown) => out.abort(reason).catch(() => undefined);
  pass(body, out, isTold).catch(stop);
  try {
    const stored = await store(readable);
    // The last piece came after the proof: a store without it has not stored the part.
    if (proof.holds) return stored;
  } catch (error) {
    // Of a body that was stopped the store only says that it ended early.
    if (proof.holds !== false) throw error;
  } finally {
    if (!proof.holds) await stop(new Error("Nobody reads the rest"));
  }
  throw badDigest();
}

/** Hands a body on piece by piece, and the last one only if all of it `isTold`, whose argument is the MD5 in base64. */
async function pass(
  body: RelayedPart["body"],
  out: WritableStreamDefaultWriter<Uint8Array>,
  isTold: (md5: string) => boolean,
): Promise<void> {
  const stream = body instanceof Uint8Array ? new Response(body as Uint8Array<ArrayBuffer>).body : body;
  const reader = stream?.getReader({ mode: "byob" }) as unknown as PieceReader;
  const digest = new workerd.crypto.DigestStream("MD5");
  // Never to come, if the body breaks off.
  digest.digest.catch(() => undefined);
  const counted = digest.getWriter();
  let held: Uint8Array<ArrayBuffer> | null = null;
  let spare = new ArrayBuffer(PIECE_BYTES);
  for (;;) {
    const { value } = await reader.readAtLeast(PIECE_BYTES, new Uint8Array(spare));
    if (value === undefined || value.length === 0) break;
    await counted.write(value);
    if (held !== null) await out.write(held);
    spare = held?.buffer ?? new ArrayBuffer(PIECE_BYTES);
    held = value;
  }
  await counted.close();
  if (!isTold(toBase64(await digest.digest))) throw new Error("The bytes are others than were told of");
  if (held !== null) await out.write(held);
  await out.close();
}

function badDigest(): StoreError {
  return new StoreError("BadDigest", "refused");
}

function toBase64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
