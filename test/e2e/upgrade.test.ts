/** The data folder that the release before left: opened by the code of today, it goes on where it stopped. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { startOrigin } from "../origin/server.ts";
import { D1_MIGRATIONS, OLDER_PARTITIONS, olderD1, olderPartition } from "../partition/older-schema.ts";
import { atEnd } from "./harness/at-end.ts";
import { allDoneOnce, doneOnce } from "./harness/clean.ts";
import { startNode } from "./harness/extra-node.ts";
import { Stack } from "./harness/stack.ts";

/** D1 and the partition of a stopped stack, as one version of the schema before today's would have them. */
async function asBefore(stack: Stack): Promise<{ d1: number; partitions: number }> {
  const found = { d1: 0, partitions: 0 };
  const files = await readdir(stack.data, { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".sqlite"))) {
    const database = new DatabaseSync(join(stack.data, file));
    try {
      const has = (table: string) =>
        database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(table) !== undefined;
      if (has("d1_migrations")) {
        olderD1(database, D1_MIGRATIONS.slice(0, -1));
        found.d1++;
      } else if (has("meta") && has("lease_requests")) {
        olderPartition(database, OLDER_PARTITIONS.at(-1) ?? 0);
        found.partitions++;
      }
    } finally {
      database.close();
    }
  }
  return found;
}

test("a data folder of the release before opens, keeps its history, and delivers the jobs that waited in it", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ slots: 0 });
  const before = await startNode(stack, "before");
  const done = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  const { files } = await doneOnce(stack, done);
  await before.stop();
  const waiting = await stack.api.create({ url: `${origin.url}/audio.m4a`, audio_only: true, format: "m4a" });
  expect(await stack.stop()).toBe(0);
  expect(await asBefore(stack)).toEqual({ d1: 1, partitions: 1 });

  await stack.up();
  expect(await stack.api.job(done)).toMatchObject({ status: "Completed", files: [{ key: files[0]?.key }] });
  expect(await stack.api.job(waiting)).toMatchObject({ status: "Pending" });
  // The node comes back under the identity that it had.
  await startNode(stack, "before");
  const fresh = await stack.api.create({ url: `${origin.url}/video-360.mp4` });
  await allDoneOnce(stack, [done, waiting, fresh]);
});
