/** No second writer can ever be started on one data folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { Api } from "../e2e/harness/api.ts";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce } from "../e2e/harness/clean.ts";
import { eventually } from "../e2e/harness/eventually.ts";
import { gone, processesOf, signal } from "../e2e/harness/processes.ts";
import { CLI, isRunning, Stack } from "../e2e/harness/stack.ts";
import { startOrigin } from "../origin/server.ts";

const STARTERS = 8;
const REFUSAL =
  /^trawl: another trawl( \(pid \d+\))? is running on \S+; stop it, or choose another folder with --data$/m;

/** One more `trawl up` on the folder of this stack. */
function another(stack: Stack) {
  const args = ["up", "--port", "0", "--data", stack.data, "--json", "--slots", "1"];
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: stack.root,
    env: stack.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stderr = text(child.stderr);
  const line = once(child.stdout, "data").then(([data]) => String(data));
  line.catch(() => {});
  const exit = once(child, "exit").then(([code]) => code as number | null);
  atEnd(async () => {
    if (isRunning(child)) child.kill("SIGTERM");
    await exit;
  });
  return { child, stderr, line, exit };
}

test("a second start on a folder that is in use is refused and changes nothing", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ slots: 1 });
  const id = await stack.api.create({ url: `${origin.url}/hold/mine/video-360.mp4` });
  await origin.waitForHeld("mine", 2);
  const facts = async () => ({
    processes: processesOf(stack.root).map((each) => each.pid),
    lock: await readFile(join(stack.data, "lock"), "utf8"),
    credentials: await readFile(join(stack.data, "credentials.json"), "utf8"),
    workerd: await readFile(join(stack.data, "run", "workerd.pid"), "utf8"),
  });
  const before = await facts();
  const second = another(stack);
  expect(await second.exit).toBe(1);
  const said = await second.stderr;
  expect(said).toMatch(REFUSAL);
  expect(said).toContain(`(pid ${stack.hostPid})`);
  expect(await facts()).toEqual(before);
  origin.release("mine");
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toMatchObject({ attempts: 1 });
});

test("of eight that start on a fresh folder at the same moment exactly one lives", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.prepare();
  const starters = Array.from({ length: STARTERS }, () => another(stack));
  const line = await Promise.any(starters.map((starter) => starter.line));
  const winner = JSON.parse(line) as { url: string; api_key: string; pid: number };
  const losers = starters.filter((starter) => starter.child.pid !== winner.pid);
  expect(losers).toHaveLength(STARTERS - 1);
  expect(await Promise.all(losers.map((starter) => starter.exit))).toEqual(losers.map(() => 1));
  for (const loser of losers) expect(await loser.stderr).toMatch(REFUSAL);
  expect(stack.pids("host")).toEqual([winner.pid]);
  expect(stack.pids("workerd")).toHaveLength(1);

  const api = new Api(winner.url, winner.api_key);
  const job = await api.finished(await api.create({ url: `${origin.url}/vertical.mp4` }));
  expect(job.status).toBe("Completed");
  // The loser's signal is not needed: what it started, if anything, has gone with it.
  signal(winner.pid, "SIGTERM");
  await gone([winner.pid]);
  await eventually(() => processesOf(stack.root).length === 0);
});
