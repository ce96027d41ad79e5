import type { FileDigests } from "./file-digests.ts";

export interface PartsOfFile {
  /** Bytes of the file, and of each part but the last. */
  size: number;
  partSize: number;
  /** Parts that are counted before they are asked for. */
  ahead: number;
}

/**
 * MD5 of parts by their number, from 1. One thing counts them, one after another: it runs ahead of whoever asks, so that
 * those who send do not wait for it in turn, and as many send as can. A part that is asked for again is counted again.
 */
export function partDigests(
  digests: Pick<FileDigests, "md5">,
  parts: PartsOfFile,
): (number: number) => Promise<Buffer> {
  const { size, partSize, ahead } = parts;
  const count = Math.max(1, Math.ceil(size / partSize));
  const early = new Map<number, Promise<Buffer>>();
  let begun = 0;
  const begin = (number: number): Promise<Buffer> =>
    digests.md5((number - 1) * partSize, Math.min(size, number * partSize));
  return (number) => {
    while (begun < Math.min(count, number + ahead)) {
      const digest = begin(++begun);
      // Whoever asks for it hears of it.
      digest.catch(() => undefined);
      early.set(begun, digest);
    }
    const digest = early.get(number) ?? begin(number);
    early.delete(number);
    return digest;
  };
}
