/** Managed files on R2 by its binding: parts pass through the edge, files are served by it. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("a job's file goes to R2 through the edge and comes back whole, in ranges, until it is deleted", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ env: { TRAWL_STORE: "r2" } });
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4`, folder: "talks" });
  const job = await stack.api.finished(id);
  expect(job).toMatchObject({ status: "Completed", attempts: 1 });
  const [file] = job.files;
  expect(file?.key).toBe("videos/talks/vertical.mp4");

  const whole = await fetch(job.s3_url ?? "");
  const bytes = new Uint8Array(await whole.arrayBuffer());
  expect(whole.headers.get("content-type")).toBe("video/mp4");
  expect([bytes.length, sha256(bytes)]).toEqual([file?.size, file?.sha256]);
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
