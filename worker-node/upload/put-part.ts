import type { Readable } from "node:stream";
import { type Dispatcher, request } from "undici";
import type { Ticket } from "../../shared/contract/fleet.ts";
import { elementText } from "../../shared/element-text.ts";
import { IN_PLACE_HEADER } from "../../shared/in-place.ts";
import { readSlice } from "./read-slice.ts";

export interface PartPut {
  url: string;
  path: string;
  start: number;
  size: number;
  /** The slice is read through it, piece by piece. A part that was not stored may leave it to a dying connection. */
  buffer: Buffer;
  /** Defaults to `IDLE_TIMEOUT_MS`. */
  idleTimeoutMs?: number;
  /** Defaults to a plain connection. */
  dispatcher?: Dispatcher | undefined;
  /** The bytes lie in the store already (`hand-over.ts`): the part is claimed, and nothing is sent. */
  inPlace?: boolean;
  /** How the part proves its bytes, by the ticket. */
  digest?: Ticket["digest"];
  /** MD5 of the slice; asked where there is a `digest`. */
  md5(): Promise<Buffer>;
  signal: AbortSignal;
}

export type PartResult =
  | { kind: "stored"; etag: string }
  /** The store said no; a fresh URL may help once. */
  | { kind: "refused"; code: string }
  /** No answer, or a fault of the store: the same again. */
  | { kind: "failed"; code: string };

/** Nothing moves for this long: the connection is dead. */
const IDLE_TIMEOUT_MS = 60_000;
/** An error body is read no further than this. */
const MAX_ERROR_BYTES = 4_096;

/** PUTs one slice of a file. The caller's own abort is thrown on; everything else is a result. */
export async function putPart(part: PartPut): Promise<PartResult> {
  const { url, size, inPlace = false, dispatcher, digest, signal, idleTimeoutMs = IDLE_TIMEOUT_MS } = part;
  // Before the body, because the header goes before it: read twice, the second time from the page cache.
  const md5 = digest === undefined ? null : await part.md5();
  const body = readSlice(inPlace ? { ...part, size: 0 } : part);
  try {
    const answer = await request(url, {
      method: "PUT",
      headers: {
        "content-length": inPlace ? "0" : String(size),
        ...(inPlace ? { [IN_PLACE_HEADER]: String(size) } : {}),
        ...(digest === "content-md5" && md5 !== null ? { "content-md5": md5.toString("base64") } : {}),
      },
      // undici takes any iterable; its type for this call does not say so.
      body: body as unknown as Readable,
      signal,
      bodyTimeout: idleTimeoutMs,
      headersTimeout: idleTimeoutMs,
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    const text = await readStart(answer.body);
    const etag = partTag(answer.headers) ?? (digest === "content-md5" ? (md5?.toString("base64") ?? null) : null);
    if ((answer.statusCode === 200 || answer.statusCode === 201) && etag !== null) {
      const flipped = digest === "etag-md5" && md5 !== null && !isTagOf(md5, etag, answer.headers);
      return flipped ? { kind: "failed", code: "BadDigest" } : { kind: "stored", etag };
    }
    const code = errorCode(text) ?? `HTTP ${answer.statusCode}`;
    return { kind: answer.statusCode >= 500 || answer.statusCode === 429 ? "failed" : "refused", code };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const code = (error as { code?: unknown }).code;
    return { kind: "failed", code: typeof code === "string" ? code : "unreachable" };
  } finally {
    await body.return();
  }
}

/** As much of the answer as may matter. The rest is let go of with its connection: it may never end. */
async function readStart(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the body.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8", 0, MAX_ERROR_BYTES);
}

type AnswerHeaders = Dispatcher.ResponseData["headers"];

/**
 * What names the stored part. Azure gives a block no ETag, but tells the MD5 or the CRC that it has counted; its emulator
 * tells nothing, and what it took then goes by the MD5 that it was told.
 */
function partTag(headers: AnswerHeaders): string | null {
  const tag = headers.etag ?? headers["content-md5"] ?? headers["x-ms-content-crc64"];
  return typeof tag === "string" ? tag : null;
}

/** An ETag that is no MD5 (the store encrypts with a key of its own) tells nothing, so it speaks against nothing. */
function isTagOf(md5: Buffer, etag: string, headers: AnswerHeaders): boolean {
  const encrypted = Object.keys(headers).some((name) => name.includes("server-side-encryption"));
  const hex = /^"?([0-9a-fA-F]{32})"?$/.exec(etag)?.[1];
  return encrypted || hex === undefined || hex.toLowerCase() === md5.toString("hex");
}

/** The provider's own code: `<Code>…</Code>` of S3 and its kin, or `"error"` of ours. */
function errorCode(body: string): string | null {
  return (
    /^[A-Za-z]{1,64}$/.exec(elementText(body, "Code") ?? "")?.[0] ??
    /"(?:error|code)"\s*:\s*"([A-Za-z_ ]{1,64})"/.exec(body)?.[1] ??
    null
  );
}
