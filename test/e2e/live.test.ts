/** Live streams (jobs API 11.5): recorded beside downloads, ended by the stream, a cap or a cancel; waited for. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { allDoneOnce, downloadsAreClean, noStrays } from "./harness/clean.ts";
import { probe } from "./harness/media.ts";
import { Stack } from "./harness/stack.ts";

const UPCOMING_YTDLP = fileURLToPath(new URL("./fixtures/upcoming-ytdlp.sh", import.meta.url));

let origin: Origin;
beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
});

test("a stream without an end leaves the one download slot free, until it is cancelled and leaves nothing", async () => {
  const stack = await Stack.start({ slots: 1 });
  const endless = await stack.api.create({ url: `${origin.url}/live/99/endless/index.m3u8` });
  await stack.api.until(endless, (event) => event.type === "job.progress" && event.progress === null);
  expect(await stack.api.job(endless)).toMatchObject({
    ...{ status: "Processing", step: "Downloading", live_recording: true, progress: null, eta_seconds: null },
  });

  const ending = await stack.api.create({
    url: `${origin.url}/live/13/ending/index.m3u8?start=9`,
    live_from_start: true,
    format: "mkv",
  });
  const capped = await stack.api.create({ url: `${origin.url}/live/99/capped/index.m3u8?start=30`, max_duration: 4 });
  const plain = await stack.api.create({ url: `${origin.url}/video-360.mp4` });
  const [ended, cut, moved] = await Promise.all([ending, capped, plain].map((id) => stack.api.finished(id)));
  expect(ended).toMatchObject({ status: "Completed", live_recording: true, download_strategy: "live", attempts: 1 });
  expect(cut).toMatchObject({ status: "Completed", live_recording: true, max_duration: 4 });
  expect(moved).toMatchObject({ status: "Completed", live_recording: false });
  const seconds = async (key = "") => (await probe(join(stack.downloads, key))).seconds;
  expect(await seconds(ended?.files[0]?.key)).toBeCloseTo(13, 0);
  expect(await seconds(cut?.files[0]?.key)).toBeCloseTo(4, 0);

  expect((await stack.api.job(endless)).status).toBe("Processing");
  expect((await stack.api.call("DELETE", `/jobs/${endless}`)).status).toBe(400);
  expect((await stack.api.call("DELETE", `/jobs/${endless}?force=true`)).status).toBe(200);
  expect(await stack.api.job(endless)).toMatchObject({ status: "Failed", step: "Cancelled" });
  await noStrays(stack);
  await downloadsAreClean(stack, await Promise.all([ending, capped, plain].map((id) => stack.api.job(id))));
});

test("a stream that has not begun is waited for, and recorded when it has", async () => {
  const stack = await Stack.start({ slots: 1, env: { TRAWL_YTDLP: UPCOMING_YTDLP } });
  const url = (key: string) => `${origin.url}/upcoming/1/${key}/live/9/${key}/index.m3u8`;
  const waiting = await stack.api.create({ url: url("a"), wait_for_video: true });
  const impatient = await stack.api.create({ url: url("b") });
  expect(await stack.api.finished(impatient)).toMatchObject({
    ...{ status: "Warning", error: "The stream has not started", error_type: "warning", attempts: 1 },
  });
  const [job] = await allDoneOnce(stack, [waiting]);
  expect(job).toMatchObject({ title: "A premiere", attempts: 2, wait_for_video: true, live_recording: true });
});
