import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { type Dispatcher, request } from "undici";

export interface PartPut {
  url: string;
  path: string;
  start: number;
  size: number;
  /** Defaults to `IDLE_TIMEOUT_MS`. */
  idleTimeoutMs?: number;
  /** Defaults to a plain connection. */
  dispatcher?: Dispatcher | undefined;
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
  const { url, path, start, size, dispatcher, signal, idleTimeoutMs = IDLE_TIMEOUT_MS } = part;
  const body =
    size === 0 ? Readable.from([]) : createReadStream(path, { start, end: start + size - 1, highWaterMark: 1_048_576 });
  try {
    const answer = await request(url, {
      method: "PUT",
      headers: { "content-length": String(size) },
      body,
      signal,
      bodyTimeout: idleTimeoutMs,
      headersTimeout: idleTimeoutMs,
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    const text = (await answer.body.text()).slice(0, MAX_ERROR_BYTES);
    const etag = answer.headers.etag;
    if (answer.statusCode === 200 && typeof etag === "string") return { kind: "stored", etag };
    const code = errorCode(text) ?? `HTTP ${answer.statusCode}`;
    return { kind: answer.statusCode >= 500 || answer.statusCode === 429 ? "failed" : "refused", code };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const code = (error as { code?: unknown }).code;
    return { kind: "failed", code: typeof code === "string" ? code : "unreachable" };
  } finally {
    body.destroy();
  }
}

/** The provider's own code: `<Code>…</Code>` of S3 and its kin, or `"error"` of ours. */
function errorCode(body: string): string | null {
  return (
    /<Code>([A-Za-z]{1,64})<\/Code>/.exec(body)?.[1] ??
    /"(?:error|code)"\s*:\s*"([A-Za-z_ ]{1,64})"/.exec(body)?.[1] ??
    null
  );
}
