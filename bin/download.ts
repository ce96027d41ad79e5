import { createWriteStream } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../edge/local/log.ts";
import { Failure } from "./cli-error.ts";

/** A broken connection is picked up this often in one call; a later call resumes again. */
const MAX_TRIES = 6;
const RETRY_MS = 500;

/**
 * Downloads a file, resuming what an earlier try left in `<target>.part`. The part is only added to if the server still
 * has the same file (`If-Range` with the strong ETag of the first answer, RFC 9110 section 13.1.5); else it begins anew.
 * Answers the size in bytes.
 *
 * @throws Failure
 */
export async function downloadFile(url: string, target: string): Promise<number> {
  const part = `${target}.part`;
  const etagFile = `${target}.part.etag`;
  let problem = "";
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    if (tries > 1) await delay(RETRY_MS);
    const have = (await stat(part).catch(() => null))?.size ?? 0;
    const etag = have > 0 ? await readFile(etagFile, "utf8").catch(() => null) : null;
    const resume = etag === null ? {} : { range: `bytes=${have}-`, "if-range": etag };
    try {
      const response = await fetch(url, { headers: { "accept-encoding": "identity", ...resume } });
      if (response.status === 416 && isWhole(response, have)) {
        await response.body?.cancel();
      } else if (await store(response, part, etagFile)) {
        problem = "";
      } else {
        problem = `the server answered ${response.status}`;
        if (response.status < 500 && response.status !== 416) break;
        continue;
      }
      await rename(part, target);
      await rm(etagFile, { force: true });
      return (await stat(target)).size;
    } catch (error) {
      problem = errorText(error instanceof Error && error.cause !== undefined ? error.cause : error);
    }
  }
  throw new Failure(`the download broke off (${problem}); the same command goes on where it stopped`);
}

/** Writes an answer behind or in place of the part. Answers false for an answer that brings nothing. */
async function store(response: Response, part: string, etagFile: string): Promise<boolean> {
  const append = response.status === 206;
  if (!append && response.status !== 200) {
    await response.body?.cancel();
    // The part fits no file that is there now.
    if (response.status === 416) await rm(part, { force: true });
    return false;
  }
  if (!append) {
    const etag = response.headers.get("etag");
    // A weak validator must not be used in If-Range.
    if (etag === null || etag.startsWith("W/")) await rm(etagFile, { force: true });
    else await writeFile(etagFile, etag);
  }
  const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as never);
  await pipeline(body, createWriteStream(part, { flags: append ? "a" : "w" }));
  return true;
}

/** 416 to a range that starts at the very end: the earlier try had the last byte and died before the rename. */
function isWhole(response: Response, have: number): boolean {
  return response.headers.get("content-range") === `bytes */${have}`;
}
