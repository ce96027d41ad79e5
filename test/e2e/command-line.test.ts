/** One way through the commands that a person types, against a real stack. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, expect, test } from "vitest";
import { testDir } from "../leaks.ts";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { doneOnce } from "./harness/clean.ts";
import { sha256 } from "./harness/media.ts";
import { CLI, Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 1 });
});

/** The data folder of the stack tells the commands where it is and gives them the key. */
async function trawl(...args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: await testDir("cwd"),
    env: { PATH: process.env.PATH ?? "", TRAWL_DATA: stack.data },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: code as number | null, stdout, stderr };
}

test("add --wait, ls, get -o, watch and cancel do what they say", async () => {
  const added = await trawl(
    "add",
    `${origin.url}/vertical.mp4`,
    "--wait",
    "--folder",
    "from cli",
    "--filename",
    "Tall",
  );
  expect(added.stderr).toMatch(/Completed/);
  expect(added.code).toBe(0);
  const [id = ""] = added.stdout.split(/\s/);
  const job = await doneOnce(stack, id);
  expect(job.files[0]?.key).toBe("videos/from cli/Tall.mp4");

  const listed = await trawl("ls", "--status", "completed", "--limit", "5");
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout).toContain(id);

  const target = join(await testDir("get"), "copy.mp4");
  expect(await trawl("get", id, "-o", target)).toMatchObject({ code: 0, stdout: "" });
  expect(await sha256(target)).toBe(job.files[0]?.sha256);
  const shown = await trawl("get", id, "--json");
  expect(JSON.parse(shown.stdout)).toMatchObject({ id, status: "Completed" });
  expect(await trawl("watch", id)).toMatchObject({ code: 0, stdout: expect.stringContaining("Completed") });
});

test("a job that does not complete makes add and watch end with 1, and cancel needs --force for one that runs", async () => {
  const failed = await trawl("add", `${origin.url}/status/404/x.mp4`, "--wait");
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining("Warning  Video has been removed") });

  const running = (await trawl("add", `${origin.url}/hold/cli/video-360.mp4`)).stdout.trim();
  await origin.waitForHeld("cli", 2);
  const refused = await trawl("cancel", running);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toBe("trawl: Job cannot be cancelled (not in queue or already processing)\n");
  expect(await trawl("cancel", running, "--force")).toMatchObject({ code: 0, stdout: "Job cancelled successfully\n" });
  expect(await trawl("watch", running)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("Job cancelled by user"),
  });
});

test("a usage error ends with 2 and one line that says what to do", async () => {
  for (const args of [["add"], ["ls", "--status", "nope"], ["frobnicate"], ["get"]]) {
    const { code, stdout, stderr } = await trawl(...args);
    expect([args, code, stdout]).toEqual([args, 2, ""]);
    expect(stderr).toMatch(/^trawl.*--help\n$/);
  }
});
