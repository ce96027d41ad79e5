/** Four partitions instead of one: accounts spread over them, and nodes serve them all. */
import { expect, test } from "vitest";
import { startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";
import { partitionsOf, tenants } from "./harness/tenants.ts";

test("a raised number of partitions moves nobody: old accounts go on where they are, new ones spread", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ slots: 2 });
  const old = await tenants(stack, 3);
  const wait = await old[0]?.api.create({ url: `${origin.url}/vertical.mp4` });
  expect([...(await partitionsOf(stack)).values()]).toEqual(Array(old.length + 1).fill("p1:auto:0"));
  await stack.stop();

  await stack.up({ TRAWL_PARTITIONS: "4" });
  const fresh = await tenants(stack, 12);
  const partitions = await partitionsOf(stack);
  for (const { id } of old) expect(partitions.get(id)).toBe("p1:auto:0");
  expect(new Set(fresh.map(({ id }) => partitions.get(id))).size).toBeGreaterThan(1);
  const jobs = await Promise.all(
    [...old, ...fresh].map(async ({ api }) => api.finished(await api.create({ url: `${origin.url}/vertical.mp4` }))),
  );
  expect(jobs.map((job) => job.status)).toEqual(jobs.map(() => "Completed"));
  expect(await old[0]?.api.finished(wait ?? "")).toMatchObject({ status: "Completed" });
});
