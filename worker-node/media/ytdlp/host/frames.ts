/** Reads the frames of `host.py`: a JSON line, followed by so many raw bytes as its `bytes` says. */
import { z } from "zod";

const id = z.int().nonnegative();
const Frame = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("ready"),
    version: z.string().max(100),
    file: z.string(),
    /** Version of the solver scripts for sites that need JavaScript; null without them. */
    ejs: z.string().max(100).nullable(),
  }),
  z.object({ event: z.literal("started"), id, pid: z.int().positive() }),
  z.object({ event: z.enum(["stdout", "stderr"]), id, bytes: z.int().positive() }),
  z.object({
    event: z.literal("exited"),
    id,
    code: z.int().nullable(),
    signal: z.string().nullable(),
    /** The host's own largest size so far. */
    peak_kib: z.int().nonnegative(),
  }),
  z.object({ event: z.literal("closed"), id }),
  z.object({ event: z.literal("refused"), id, reason: z.string() }),
]);
export type Frame = z.infer<typeof Frame>;

/** A head is a hundred bytes; one that does not end is no head. */
const MAX_HEAD_BYTES = 16 * 1024;
/** What the host reads at once. */
const MAX_PAYLOAD_BYTES = 64 * 1024;

export class FrameReader {
  readonly #emit: (frame: Frame, payload: Buffer) => void;
  #kept: Buffer = Buffer.alloc(0);

  constructor(emit: (frame: Frame, payload: Buffer) => void) {
    this.#emit = emit;
  }

  /** @throws Error when the bytes are none of the host's: it cannot be trusted with anything more. */
  push(chunk: Buffer): void {
    this.#kept = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    for (;;) {
      const end = this.#kept.indexOf(10);
      if (end < 0 && this.#kept.length <= MAX_HEAD_BYTES) return;
      if (end < 0 || end > MAX_HEAD_BYTES) throw new Error("the yt-dlp host sent a line without an end");
      const frame = Frame.parse(JSON.parse(this.#kept.toString("utf8", 0, end)));
      const bytes = "bytes" in frame ? frame.bytes : 0;
      if (bytes > MAX_PAYLOAD_BYTES) throw new Error("the yt-dlp host sent too much at once");
      if (this.#kept.length < end + 1 + bytes) return;
      const payload = this.#kept.subarray(end + 1, end + 1 + bytes);
      this.#kept = this.#kept.subarray(end + 1 + bytes);
      this.#emit(frame, payload);
    }
  }
}
