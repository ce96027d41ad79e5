/** Managed files on R2 by its binding: parts pass through the edge, files are served by it. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("a job's files go to R2 through the edge and come back whole, in ranges, until they are deleted", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ env: { TRAWL_STORE: "r2" } });
  const wishes = { download_subtitles: true, subtitle_languages: ["fr"], download_thumbnail: true };
  const url = `${origin.url}/pages/captions`;
  const id = await stack.api.create({ url, folder: "talks", filename: "Captions", ...wishes });
  const job = await stack.api.finished(id);
  expect(job).toMatchObject({ status: "Completed", attempts: 1 });
  expect(job.files.map(({ key }) => key).toSorted()).toEqual([
    "videos/talks/Captions.fr.vtt",
    "videos/talks/Captions.jpg",
    "videos/talks/Captions.mp4",
  ]);
  for (const file of job.files) {
    const stored = new Uint8Array(await (await fetch(file.url)).arrayBuffer());
    expect([stored.length, sha256(stored)], file.key).toEqual([file.size, file.sha256]);
  }

  const whole = await fetch(job.s3_url ?? "");
  const bytes = new Uint8Array(await whole.arrayBuffer());
  expect(whole.headers.get("content-type")).toBe("video/mp4");
  const part = await fetch(job.s3_url ?? "", { headers: { range: "bytes=100-199" } });
  expect(part.status).toBe(206);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(100, 200));

  const removed = await fetch(`${stack.url}/jobs/${id}/file`, {
    method: "DELETE",
    headers: { "x-api-key": stack.apiKey },
  });
  expect(removed.status).toBe(200);
  await removed.body?.cancel();
  const gone = await fetch(job.s3_url ?? "");
  expect(gone.status).toBe(403);
  await gone.body?.cancel();
});
