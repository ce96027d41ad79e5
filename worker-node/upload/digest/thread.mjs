/**
 * The thread that counts the hashes of one file (`file-digests.ts` starts it and asks): the MD5 of a part, and along with it
 * the SHA-256 of the whole as long as the parts come in order, so that both cost one reading.
 */
import { createHash } from "node:crypto";
import { openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

const READ_BYTES = 524_288;

const { path, size } = workerData;
const file = openSync(path, "r");
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
const whole = createHash("sha256");
let counted = 0;

function read(from, to, hashes) {
  for (let at = from; at < to; ) {
    const bytes = readSync(file, buffer, 0, Math.min(buffer.length, to - at), at);
    if (bytes === 0) throw new Error("The file is shorter than it was");
    for (const hash of hashes) hash.update(buffer.subarray(0, bytes));
    at += bytes;
  }
}

function md5({ start, end }) {
  const part = createHash("md5");
  const next = start === counted;
  read(start, end, next ? [part, whole] : [part]);
  if (next) counted = end;
  return part.digest("hex");
}

function sha256() {
  read(counted, size, [whole]);
  return whole.digest("hex");
}

// What is thrown here ends the thread, and reaches whoever started it.
parentPort.on("message", ({ id, part }) => {
  parentPort.postMessage({ id, hex: part === null ? sha256() : md5(part) });
});
