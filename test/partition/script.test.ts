/** `TRAWL_RECORD=1` writes the hashes anew, after a change of the core that is meant. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { nodeSql } from "./node-sql.ts";
import { runScript } from "./script.ts";

const FILE = join(import.meta.dirname, "script-hashes.json");
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

function hashOf(seed: number): string {
  const sql = nodeSql();
  try {
    return runScript(sql, seed);
  } finally {
    sql.close();
  }
}

it("does the same for the same commands as when the hashes were recorded", () => {
  const hashes = Object.fromEntries(SEEDS.map((seed) => [seed, hashOf(seed)]));
  if (process.env.TRAWL_RECORD === "1") writeFileSync(FILE, `${JSON.stringify(hashes, null, 2)}\n`);
  const recorded: unknown = JSON.parse(readFileSync(FILE, "utf8"));
  expect(hashes, "a change that is meant is recorded with TRAWL_RECORD=1").toEqual(recorded);
});

it("does something else for other commands", () => {
  expect(new Set(SEEDS.map(hashOf)).size).toBe(SEEDS.length);
});
