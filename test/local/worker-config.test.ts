import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { WORKER } from "../../edge/local/worker-config.ts";

test("the embedded host runs the Worker as wrangler.toml says", () => {
  const config = readConfig({ config: fileURLToPath(new URL("../../wrangler.toml", import.meta.url)) });
  expect(WORKER.name).toBe(config.name);
  expect(WORKER.compatibilityDate).toBe(config.compatibility_date);
  expect(WORKER.compatibilityFlags).toEqual(config.compatibility_flags);
  expect(
    config.d1_databases.map(({ binding, database_name }: { binding: string; database_name?: string }) => ({
      binding,
      name: database_name,
    })),
  ).toEqual([WORKER.database]);
  const objects = config.durable_objects.bindings.map(({ name, class_name }: { name: string; class_name: string }) => [
    name,
    class_name,
  ]);
  expect(Object.entries(WORKER.durableObjects)).toEqual(objects);
  // Each class is SQLite-backed: the host makes them so without asking.
  const sqlite = config.migrations.flatMap(({ new_sqlite_classes = [] }) => new_sqlite_classes);
  expect(sqlite.sort()).toEqual(Object.values(WORKER.durableObjects).sort());
  expect(
    config.r2_buckets.map((bucket: { binding: string; bucket_name: string }) => ({
      binding: bucket.binding,
      name: bucket.bucket_name,
    })),
  ).toEqual([WORKER.bucket]);
  expect(config.triggers.crons).toEqual([WORKER.cron]);
});
