import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { lockData, readLock } from "../../edge/local/data-lock.ts";
import { type DataPaths, dataPaths, makeDataFolders } from "../../edge/local/data-paths.ts";
import { identify, isAlive, type ProcessIdentity } from "../../edge/local/process-identity.ts";
import { temporaryFolder, whenDone } from "./support.ts";

vi.setConfig({ testTimeout: 30_000 });

const STARTERS = 12;

async function folders(): Promise<DataPaths> {
  const paths = dataPaths(join(await temporaryFolder(), "data"));
  await makeDataFolders(paths);
  return paths;
}

/** A Node process that runs this code and prints one line; it is killed when the test ends. */
async function runs(code: string, ...args: string[]): Promise<{ pid: number; line: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code, ...args], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  whenDone(kill);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { pid: child.pid ?? 0, line, kill };
}

const TAKE = `
  import { lockData } from ${JSON.stringify(new URL("../../edge/local/data-lock.ts", import.meta.url).href)};
  import { dataPaths } from ${JSON.stringify(new URL("../../edge/local/data-paths.ts", import.meta.url).href)};
  setInterval(() => {}, 60_000);
  lockData(dataPaths(process.argv[1])).then(() => console.log("won"), (error) => console.log(error.code));
`;

test("of many starters at once exactly one wins, round after round, though winners die by kill -9", async () => {
  const paths = await folders();
  for (let round = 0; round < 2; round++) {
    const starters = await Promise.all(Array.from({ length: STARTERS }, () => runs(TAKE, paths.dir)));
    const lines = starters.map(({ line }) => line).sort();
    expect(lines).toEqual([...Array.from({ length: STARTERS - 1 }, () => "data_in_use"), "won"]);
    const winner = starters.find(({ line }) => line === "won");
    expect(await readLock(paths)).toEqual({ host: await identify(winner?.pid ?? 0), workerd: null });
    await Promise.all(starters.map(({ kill }) => kill()));
  }
  expect(await readdir(paths.dir)).not.toContain("lock.db-journal");
  // The last winner left its lock file behind; it does not bind anybody.
  const lock = await lockData(paths);
  await lock.release();
  expect(await readLock(paths)).toBeNull();
});

test("the one that is turned away learns the owner's pid", async () => {
  const paths = await folders();
  const lock = await lockData(paths);
  whenDone(() => lock.release());
  await expect(lockData(paths)).rejects.toThrow(`another trawl (pid ${process.pid}) is running on ${paths.dir}`);
});

async function leftBehind(paths: DataPaths, name: string, change = (start: string) => start): Promise<ProcessIdentity> {
  const { pid } = await runs("setInterval(() => {}, 60_000); console.log('up');", name);
  const identity = (await identify(pid)) as ProcessIdentity;
  await writeFile(paths.workerdPid, `${pid} ${change(identity.start)}\n`);
  return identity;
}

test("a workerd that a dead host left behind is ended before the folder is used", async () => {
  const paths = await folders();
  const leftover = await leftBehind(paths, "/somewhere/workerd");
  const lock = await lockData(paths);
  whenDone(() => lock.release());
  expect(await isAlive(leftover)).toBe(false);
});

test("a process that only has the same pid, or is no workerd, is left alone", async () => {
  const paths = await folders();
  const newer = await leftBehind(paths, "/somewhere/workerd", (start) => String(Number(start) - 1));
  await (await lockData(paths)).release();
  const other = await leftBehind(paths, "/somewhere/else");
  await (await lockData(paths)).release();
  expect([await isAlive(newer), await isAlive(other)]).toEqual([true, true]);
});
