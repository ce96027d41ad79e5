import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkSettings } from "../../edge/local/check-settings.ts";
import { HostError } from "../../edge/local/host-error.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");

test("good settings, and empty ones, are taken", () => {
  checkSettings({});
  checkSettings({ TRAWL_RATE: "0", TRAWL_PARTITIONS: "4", TRAWL_HISTORY_DAYS: "0.5", TRAWL_STORE: "r2" });
  checkSettings({ TRAWL_RATE: "", TRAWL_STORE: "", TRAWL_KEK: `k2:${KEY},k1:${KEY}` });
});

test.each([
  [{ TRAWL_RATE: "fast" }, "TRAWL_RATE must be a number of at least 0, not 'fast'"],
  [{ TRAWL_PARTITIONS: "-1" }, "TRAWL_PARTITIONS must be a number of at least 0, not '-1'"],
  [{ TRAWL_RETENTION_DAYS: "7d" }, "TRAWL_RETENTION_DAYS must be a number of at least 0, not '7d'"],
  [{ TRAWL_STORE: "s3" }, "TRAWL_STORE must be disk or r2, not 's3'"],
  [{ TRAWL_KEK: "secret" }, "TRAWL_KEK must be id:base64[,id:base64]"],
  [{ TRAWL_KEK: "k1:c2hvcnQ=" }, "key 'k1' of TRAWL_KEK must be 32 bytes in base64"],
])("%j is refused in one line that names it", (env, says) => {
  expect(() => checkSettings(env)).toThrow(new HostError("bad_option", says));
});

test("every number that the edge reads of its environment is looked at before", () => {
  const edge = fileURLToPath(new URL("../../edge/", import.meta.url));
  const sources = readdirSync(edge, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const read = sources.flatMap((path) =>
    [...readFileSync(join(edge, path), "utf8").matchAll(/envNumber\([\w.]*\.(TRAWL_\w+)/g)].map(
      ([, name = ""]) => name,
    ),
  );
  expect(read.length).toBeGreaterThan(5);
  for (const name of read) expect(() => checkSettings({ [name]: "many" })).toThrow(`${name} must be a number`);
});
