/** Fetches segments: repeats what passes, opens AES-128, and says why one cannot be had. Never rejects. */
import { createDecipheriv } from "node:crypto";
import { pause } from "../../fleet/backoff.ts";
import { type LiveHttp, LiveRequestError } from "./http.ts";
import { type LiveTimes, MAX_KEYS, MAX_SEGMENT_BYTES } from "./limits.ts";
import type { LiveSegment, Piece } from "./playlist.ts";

export type Fetched =
  | { kind: "media"; bytes: Buffer; map: Buffer | null; retries: number }
  | { kind: "gap"; reason: string; retries: number; blocked: boolean }
  /** The recording is being ended. */
  | { kind: "stopped" };

const KEY_BYTES = 16;
/** An address that says no may only be early: the segment has not reached this server yet. */
const TRIES_AFTER_NO = 2;

export class SegmentFetcher {
  readonly #http: LiveHttp;
  readonly #times: LiveTimes;
  readonly #keys = new Map<string, Buffer>();
  #map: { id: string; bytes: Buffer } | null = null;

  constructor(http: LiveHttp, times: LiveTimes) {
    this.#http = http;
    this.#times = times;
  }

  /** @param signal Ends the wait at once, whatever is under way. */
  async fetch(segment: LiveSegment, signal: AbortSignal): Promise<Fetched> {
    if (segment.missing) return { kind: "gap", reason: "the source has a gap here", retries: 0, blocked: false };
    const began = performance.now();
    let refused = 0;
    for (let retries = 0; ; retries++) {
      try {
        const map = segment.map === null ? null : await this.#mapOf(segment.map, segment, signal);
        const { bytes } = await this.#http.get(segment.url, {
          range: segment.range,
          maxBytes: MAX_SEGMENT_BYTES,
          signal,
        });
        return { kind: "media", bytes: await this.#open(bytes, segment, signal), map, retries };
      } catch (error) {
        if (signal.aborted) return { kind: "stopped" };
        const failure = error instanceof LiveRequestError ? error : new LiveRequestError("gone", "it cannot be opened");
        if (failure.kind === "gone") refused++;
        const waited = performance.now() - began;
        const blocked = failure.kind === "blocked";
        const over = blocked || refused > TRIES_AFTER_NO || waited > this.#times.segmentPatienceMs;
        if (over) return { kind: "gap", reason: failure.message, retries, blocked };
        const wait = failure.retryAfterMs ?? retryWait(retries, this.#times);
        if (
          !(await pause(wait, signal).then(
            () => true,
            () => false,
          ))
        )
          return { kind: "stopped" };
      }
    }
  }

  /** The last one is remembered: a stream has one for hours. */
  async #mapOf(piece: Piece, segment: LiveSegment, signal: AbortSignal): Promise<Buffer> {
    const id = JSON.stringify(piece);
    if (this.#map?.id === id) return this.#map.bytes;
    const { bytes } = await this.#http.get(piece.url, { range: piece.range, maxBytes: MAX_SEGMENT_BYTES, signal });
    // A map under a key needs its IV by name (RFC 8216, 4.3.2.5).
    const opened = segment.key?.iv == null ? bytes : await this.#open(bytes, segment, signal);
    this.#map = { id, bytes: opened };
    return opened;
  }

  async #open(bytes: Buffer, { key, sequence }: LiveSegment, signal: AbortSignal): Promise<Buffer> {
    if (key === null) return bytes;
    const secret = await this.#keyAt(key.url, signal);
    const iv = Buffer.from(key.iv ?? sequence.toString(16).padStart(32, "0"), "hex");
    const decipher = createDecipheriv("aes-128-cbc", secret, iv);
    return Buffer.concat([decipher.update(bytes), decipher.final()]);
  }

  async #keyAt(url: string, signal: AbortSignal): Promise<Buffer> {
    const known = this.#keys.get(url);
    if (known !== undefined) return known;
    const { bytes } = await this.#http.get(url, { maxBytes: KEY_BYTES, signal });
    if (bytes.length !== KEY_BYTES) throw new LiveRequestError("gone", "the key is not one");
    if (this.#keys.size >= MAX_KEYS) this.#keys.clear();
    this.#keys.set(url, bytes);
    return bytes;
  }
}

/** Full jitter, doubling. */
export function retryWait(retries: number, times: Pick<LiveTimes, "retryFirstMs" | "retryMaxMs">): number {
  return Math.min(times.retryMaxMs, times.retryFirstMs * 2 ** retries) * (0.5 + Math.random() / 2);
}
