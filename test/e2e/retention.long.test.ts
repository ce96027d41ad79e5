/** The operator's retention on the embedded stack: the host's minute takes the file, and the folder it lay in. */
import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

/** About a second. */
const DAYS = "0.00001";

test("a file goes once its days are over, with the folder made for it, and its job tells so", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ env: { TRAWL_RETENTION_DAYS: DAYS } });
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4`, folder: "talks" });
  const { s3_url } = await stack.api.finished(id);
  // The host runs the cron trigger at each full minute.
  expect(await stack.log.waitFor("sweep.ran", ({ step }) => step === "files")).toMatchObject({ files: 1, failed: 0 });
  expect(await stack.api.job(id)).toMatchObject({ status: "Completed", files: [], s3_url: null });
  expect((await readdir(stack.downloads)).sort()).toEqual([".trawl"]);
  const gone = await fetch(s3_url ?? "");
  expect(gone.status).toBe(403);
  await gone.body?.cancel();
});
