import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readLock } from "../../edge/local/data-lock.ts";
import { type DataPaths, dataPaths } from "../../edge/local/data-paths.ts";
import { identify, isAlive, type ProcessIdentity } from "../../edge/local/process-identity.ts";
import { eventually, fixtureOptions, hit, isHealthy, nodeNotes, ready, spawnHost, temporaryFolder } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

async function lockedWorkerd(paths: DataPaths): Promise<ProcessIdentity> {
  return eventually(async () => (await readLock(paths))?.workerd);
}

async function nodeProcess(folder: string): Promise<ProcessIdentity> {
  const note = await eventually(() => nodeNotes(folder).at(-1));
  return eventually(() => identify(note.pid as number));
}

test("kill -9 of the host takes workerd and the node with it, and the next start works", async () => {
  const folder = await temporaryFolder();
  const paths = dataPaths(join(folder, "data"));
  const host = spawnHost(fixtureOptions(folder));
  const { url } = await ready(host);
  expect(await hit(url)).toBe(1);
  const [workerd, node] = [await lockedWorkerd(paths), await nodeProcess(folder)];

  host.process.kill("SIGKILL");
  await once(host.process, "exit");
  await eventually(async () => !(await isAlive(workerd)) && !(await isAlive(node)));
  expect(await isHealthy(url)).toBe(false);

  const next = spawnHost(fixtureOptions(folder));
  expect(await hit((await ready(next)).url)).toBe(2);
});

test("kill -9 of workerd is outlived: the same URL answers again, from one new workerd", async () => {
  const folder = await temporaryFolder();
  const paths = dataPaths(join(folder, "data"));
  const { url } = await ready(spawnHost({ ...fixtureOptions(folder), node: false }));
  expect(await hit(url)).toBe(1);
  for (let round = 2; round <= 4; round++) {
    const before = await lockedWorkerd(paths);
    process.kill(before.pid, "SIGKILL");
    await eventually(async () => !(await isAlive(before)));
    await eventually(() => isHealthy(url));
    expect(await hit(url)).toBe(round);
    const after = await eventually(async () => {
      const workerd = await lockedWorkerd(paths);
      return workerd.pid === before.pid ? null : workerd;
    });
    expect(await isAlive(after)).toBe(true);
  }
});

test("workerd comes back even after a restart that failed", async () => {
  const folder = await temporaryFolder();
  const paths = dataPaths(join(folder, "data"));
  const { url } = await ready(spawnHost({ ...fixtureOptions(folder), node: false }));
  const before = await lockedWorkerd(paths);
  const wrapper = await readFile(paths.workerdWrapper);
  await writeFile(paths.workerdWrapper, `#!/bin/sh\ntouch ${join(folder, "tried")}\nexit 1\n`);
  process.kill(before.pid, "SIGKILL");
  await eventually(() => existsSync(join(folder, "tried")));
  await writeFile(paths.workerdWrapper, wrapper);
  await eventually(() => isHealthy(url), 30_000);
  await eventually(async () => (await lockedWorkerd(paths)).pid !== before.pid);
});

test("of hosts that start at once on one folder exactly one lives, and the others say who", async () => {
  const folder = await temporaryFolder();
  // Downloads of their own, so that it is the data folder that turns them away.
  const hosts = ["a", "b", "c"].map((name) =>
    spawnHost({ ...fixtureOptions(folder), node: false, downloads: join(folder, name) }),
  );
  const answers = await Promise.all(hosts.map(({ answer }) => answer));
  const living = answers.filter((answer) => "url" in answer);
  expect(living).toHaveLength(1);
  for (const answer of answers) {
    if ("error" in answer) expect(answer.error).toMatch(/^another trawl.* is running on .*--data$/);
  }
});

test("SIGTERM stops everything and leaves no process", async () => {
  const folder = await temporaryFolder();
  const paths = dataPaths(join(folder, "data"));
  const host = spawnHost(fixtureOptions(folder));
  await ready(host);
  const [workerd, node] = [await lockedWorkerd(paths), await nodeProcess(folder)];
  host.process.kill("SIGTERM");
  const [code] = await once(host.process, "exit");
  expect(code).toBe(0);
  expect([await isAlive(workerd), await isAlive(node)]).toEqual([false, false]);
  expect(nodeNotes(folder).at(-1)).toMatchObject({ event: "stopping", edge: 200 });
});

test("a second signal kills at once", async () => {
  const folder = await temporaryFolder();
  const paths = dataPaths(join(folder, "data"));
  const host = spawnHost({ ...fixtureOptions(folder, "deaf"), nodeStopMs: 60_000 });
  await ready(host);
  const [workerd, node] = [await lockedWorkerd(paths), await nodeProcess(folder)];
  host.process.kill("SIGTERM");
  await eventually(() => nodeNotes(folder).some(({ event }) => event === "ignored"));
  host.process.kill("SIGTERM");
  await once(host.process, "exit");
  await eventually(async () => !(await isAlive(workerd)) && !(await isAlive(node)));
});
