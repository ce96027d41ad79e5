/** What must hold when all is over: nothing runs, nothing is left, and each job was done exactly once. */
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect } from "vitest";
import { type Job, type JobEvent, TERMINAL_EVENTS } from "./api.ts";
import { eventually } from "./eventually.ts";
import { sha256 } from "./media.ts";
import { processesOf } from "./processes.ts";
import type { Stack } from "./stack.ts";

/** The disk store's own: its journal and its lock. An upload that is still open would be a third name. */
const STORE_FILES = [".trawl/journal.jsonl", ".trawl/lock.db"];

/** No tool runs any more, and no attempt has a folder. The nodes themselves may live. */
export async function noStrays(stack: Stack): Promise<void> {
  const tools = () => processesOf(stack.root).filter((each) => each.role === "tool");
  await eventually(
    () => tools().length === 0,
    () => `the end of ${JSON.stringify(tools())}`,
  );
  const left = () => attemptFolders(stack);
  await eventually(
    async () => (await left()).length === 0,
    () => "the removal of all attempt folders",
  );
}

/** Attempt folders of all nodes of the stack. */
async function attemptFolders(stack: Stack): Promise<string[]> {
  const nodes = await readdir(stack.root);
  const works = [join(stack.data, "node", "work"), ...nodes.map((name) => join(stack.root, name, "work"))];
  return (await Promise.all(works.map((work) => readdir(work).catch(() => [])))).flat();
}

/** The downloads folder holds the files of these jobs and the store's own, and nothing else. */
export async function downloadsAreClean(stack: Stack, jobs: readonly Job[]): Promise<void> {
  const expected = [...jobs.flatMap((job) => job.files.map((file) => file.key)), ...STORE_FILES].sort();
  const files = await eventually(
    async () => {
      const now = await filesBelow(stack.downloads);
      return now.length === expected.length && now;
    },
    () => `only ${JSON.stringify(expected)} in ${stack.downloads}`,
  ).catch(() => filesBelow(stack.downloads));
  expect(files).toEqual(expected);
}

/** Relative paths of all files, folders left out. SQLite's own files of an open lock are no litter. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !/\.db-(journal|wal|shm)$/.test(path))
    .sort();
}

/** The job is completed, its one file is whole, and its events tell of exactly one end. */
export async function doneOnce(stack: Stack, id: string): Promise<Job> {
  const job = await stack.api.finished(id);
  expect(job, JSON.stringify(job)).toMatchObject({
    id,
    status: "Completed",
    step: "Finished",
    error: null,
    progress: 100,
  });
  await hasItsFile(stack, job);
  endsOnce(await stack.api.history(id), job);
  return job;
}

/** Exactly one file, and on the disk the bytes that the node sent. */
export async function hasItsFile(stack: Stack, job: Job): Promise<void> {
  const [file, ...others] = job.files;
  expect(others).toEqual([]);
  if (file === undefined) throw new Error(`job ${job.id} is completed and has no file`);
  expect(await sha256(join(stack.downloads, file.key))).toBe(file.sha256);
}

/** Ids rise, one start a hand-out, one terminal event, nothing after it (jobs API 13.7). */
export function endsOnce(history: readonly JobEvent[], job: Job): void {
  const ids = history.map((event) => Number(event.id));
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  const types = history.map((event) => event.type);
  expect(types.filter((type) => type === "job.created")).toHaveLength(1);
  expect(types.filter((type) => type === "job.started")).toHaveLength(job.attempts);
  expect(types.filter((type) => TERMINAL_EVENTS.has(type))).toHaveLength(1);
  expect(TERMINAL_EVENTS.has(types.at(-1) ?? "")).toBe(true);
}

/** All of it, for jobs that must all have completed. */
export async function allDoneOnce(stack: Stack, ids: readonly string[]): Promise<Job[]> {
  const jobs = await Promise.all(ids.map((id) => doneOnce(stack, id)));
  await noStrays(stack);
  await downloadsAreClean(stack, jobs);
  return jobs;
}
