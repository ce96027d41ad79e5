/**
 * The hashes that an upload owes: SHA-256 of the whole file, MD5 of each part where the store looks at it. Of a large file
 * they are counted in a thread of its own: the node's own thread sends meanwhile, and hears its sockets
 * (docs/decisions/128).
 */
import { createHash, type Hash } from "node:crypto";
import { Worker } from "node:worker_threads";
import { MIB } from "../../../shared/limits.ts";
import { readSlice } from "../read-slice.ts";
import { threadSource } from "./source.ts";

/** A thread costs 30 ms and 10 MiB: as long as this many bytes take to hash. */
const THREAD_FROM_BYTES = 32 * MIB;
const READ_BYTES = MIB;
/** The thread keeps nothing but two hashes and one buffer. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

export interface FileDigests {
  /** MD5 of `start…end`. */
  md5(start: number, end: number): Promise<Buffer>;
  /** SHA-256 of the whole, hex. Asked once; last, if `md5` is asked too: it takes up what that has read. */
  sha256(): Promise<string>;
  /** Nothing reads the file any more. */
  close(): Promise<void>;
}

export interface DigestedFile {
  path: string;
  size: number;
}

/** @param threadFrom Defaults to {@link THREAD_FROM_BYTES}. */
export function fileDigests(file: DigestedFile, signal: AbortSignal, threadFrom = THREAD_FROM_BYTES): FileDigests {
  return file.size < threadFrom ? hereDigests(file, signal) : threadDigests(file, signal);
}

function hereDigests({ path, size }: DigestedFile, signal: AbortSignal): FileDigests {
  const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, Math.max(1, size)));
  const whole = createHash("sha256");
  let counted = 0;
  let tail: Promise<unknown> = Promise.resolve();
  const read = async (start: number, end: number, hashes: readonly Hash[]): Promise<void> => {
    for await (const piece of readSlice({ path, start, size: end - start, buffer })) {
      signal.throwIfAborted();
      for (const hash of hashes) hash.update(piece);
    }
  };
  /** One after another: they share the buffer, and the whole is counted in order. */
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const done = tail.then(work);
    tail = done.catch(() => undefined);
    return done;
  };
  return {
    md5: (start, end) =>
      inTurn(async () => {
        const part = createHash("md5");
        const next = start === counted;
        await read(start, end, next ? [part, whole] : [part]);
        if (next) counted = end;
        return part.digest();
      }),
    sha256: () =>
      inTurn(async () => {
        signal.throwIfAborted();
        await read(counted, size, [whole]);
        return whole.digest("hex");
      }),
    async close() {},
  };
}

interface Answer {
  id: number;
  hex: string;
}

function threadDigests(file: DigestedFile, signal: AbortSignal): FileDigests {
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(threadSource)}`), {
    workerData: file,
    resourceLimits: THREAD_LIMITS,
    execArgv: [],
    env: {},
  });
  const waiting = new Map<number, PromiseWithResolvers<string>>();
  let ids = 0;
  let ended: { error: unknown } | null = null;
  const end = (error: unknown): void => {
    ended ??= { error };
    for (const { reject } of waiting.values()) reject(ended.error);
    waiting.clear();
  };
  thread.on("message", ({ id, hex }: Answer) => {
    waiting.get(id)?.resolve(hex);
    waiting.delete(id);
  });
  thread.on("error", end);
  thread.on("exit", () => end(new Error("The thread that counts hashes has ended")));
  const stop = (): void => {
    end(signal.reason);
    void thread.terminate();
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();

  const ask = (part: { start: number; end: number } | null): Promise<string> => {
    if (ended !== null) return Promise.reject(ended.error);
    const answer = Promise.withResolvers<string>();
    waiting.set(++ids, answer);
    thread.postMessage({ id: ids, part });
    return answer.promise;
  };
  return {
    md5: async (start, to) => Buffer.from(await ask({ start, end: to }), "hex"),
    sha256: () => ask(null),
    async close() {
      signal.removeEventListener("abort", stop);
      await thread.terminate();
    },
  };
}
