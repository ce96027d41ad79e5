import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { nextRestartMs, RESTART_FIRST_MS, RESTART_MAX_MS } from "../../edge/local/backoff.ts";
import { runCron, startCron } from "../../edge/local/cron.ts";
import { createLog, type Log } from "../../edge/local/log.ts";
import { resolveHost } from "../../edge/local/options.ts";
import { packageLayout } from "../../edge/local/package-root.ts";
import { temporaryFolder } from "./support.ts";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));

test("defaults come last, the environment before them, options first", () => {
  expect(resolveHost({ env: {} })).toMatchObject({
    port: 8787,
    host: "127.0.0.1",
    data: resolve(".trawl"),
    downloads: resolve("downloads"),
    slots: availableParallelism(),
    node: true,
    nodeCommand: null,
  });
  const env = { TRAWL_PORT: "0", TRAWL_HOST: "::1", TRAWL_DATA: "/d", TRAWL_DOWNLOADS: "/f", TRAWL_SLOTS: "3" };
  expect(resolveHost({ env })).toMatchObject({ port: 0, host: "::1", data: "/d", downloads: "/f", slots: 3 });
  expect(resolveHost({ env, port: 99, slots: 1, data: "/o" })).toMatchObject({ port: 99, slots: 1, data: "/o" });
});

test.each([{ TRAWL_PORT: "http" }, { TRAWL_PORT: "70000" }, { TRAWL_SLOTS: "0" }])("%o is refused by name", (env) => {
  const [[name, value] = []] = Object.entries(env);
  expect(() => resolveHost({ env })).toThrow(new RegExp(`^${name} must be an integer .*'${value}'$`));
});

test("the package is found from a module of the clone and from the installed bundle", async () => {
  expect(packageLayout()).toEqual({ root: ROOT, cli: join(ROOT, "bin", "trawl.ts"), isClone: true });
  const root = await temporaryFolder();
  await writeFile(join(root, "package.json"), "{}");
  const bundle = join(root, "dist", "trawl.mjs");
  expect(packageLayout(pathToFileURL(bundle).href)).toEqual({ root, cli: bundle, isClone: false });
});

test("restarts wait longer and longer, up to a limit, and begin again after a calm run", () => {
  const waits: number[] = [];
  for (let wait = 0; waits.length < 10; waits.push(wait)) wait = nextRestartMs(wait, 10);
  expect(waits.slice(0, 3)).toEqual([RESTART_FIRST_MS, 2 * RESTART_FIRST_MS, 4 * RESTART_FIRST_MS]);
  expect(waits.at(-1)).toBe(RESTART_MAX_MS);
  expect(nextRestartMs(RESTART_MAX_MS, 60_000)).toBe(RESTART_FIRST_MS);
});

test("a cron run that fails is logged and forgotten", async () => {
  const lines: string[] = [];
  const log: Log = createLog("info", (line) => lines.push(line));
  expect(await runCron(async () => {}, log)).toBe(true);
  expect(await runCron(() => Promise.reject(new Error("no D1")), log)).toBe(false);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "error", event: "cron.failed", message: "no D1" },
  ]);
});

test("each task of a minute runs, whatever becomes of the one before", async () => {
  const ran = Promise.withResolvers<void>();
  const order: string[] = [];
  const lines: string[] = [];
  const tasks = [
    async () => {
      order.push("worker");
      throw new Error("workerd is away");
    },
    async () => {
      order.push("store");
      ran.resolve();
    },
  ];
  // A millisecond before the full minute.
  const cron = startCron(
    tasks,
    createLog("info", (line) => lines.push(line)),
    () => 59_999,
  );
  await ran.promise;
  await cron.stop();
  expect(order.slice(0, 2)).toEqual(["worker", "store"]);
  expect(lines[0]).toContain("workerd is away");
});
