import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { testDir } from "../leaks.ts";
import { CLI, stopAtEnd, trawl } from "./support.ts";

// The first run of a checkout builds the Worker.
vi.setConfig({ testTimeout: 120_000 });

type Up = { process: ChildProcess; line: string };

/** `trawl up` without a node, in a folder of its own; answers when it said its first line. */
async function up(cwd: string, ...flags: string[]): Promise<Up> {
  const args = [CLI, "up", "--no-node", "--port", "0", ...flags];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, TRAWL_LOG: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  stopAtEnd(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), exited]);
  return { process: child, line: String(line) };
}

test("up --json says where it is in one line, and the commands of that folder find it", async () => {
  const cwd = await testDir("up");
  const { process: host, line } = await up(cwd, "--json");
  const said = JSON.parse(line);
  expect(said).toEqual({
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    api_key: expect.stringMatching(/^sk_\w{30}$/),
    admin_token: expect.stringMatching(/^adm_\w{30}$/),
    data: `${cwd}/.trawl`,
    pid: host.pid,
  });
  const added = await trawl(["add", "https://example.com/video.mp4"], {}, cwd);
  const id = added.stdout.trim();
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  const listed = await trawl(["ls", "--json"], {}, cwd);
  expect(JSON.parse(listed.stdout).jobs).toMatchObject([{ id, status: "Pending" }]);
  const cancelled = await trawl(["cancel", id], {}, cwd);
  expect(cancelled).toMatchObject({ code: 0, stdout: "Job cancelled successfully\n" });
  const watched = await trawl(["watch", id], {}, cwd);
  expect(watched).toMatchObject({ code: 1, stdout: `${id}  Failed  Job cancelled by user\n` });
  const enrolled = await trawl(["enrol"], {}, cwd);
  expect(enrolled.stdout).toMatch(new RegExp(`^trawl node --edge ${said.url} --token \\S+\n$`));

  const second = await trawl(["up", "--no-node", "--port", "0"], {}, cwd);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`another trawl (pid ${host.pid}) is running on ${cwd}/.trawl; stop it, or choose`);
  const { port } = new URL(said.url);
  const elsewhere = await trawl(["up", "--no-node", "--port", port], {});
  expect(elsewhere).toMatchObject({ code: 1, stdout: "" });
  expect(elsewhere.stderr).toContain(`trawl: port ${port} on 127.0.0.1 is in use; choose another with --port`);
});

test("secrets are printed on the first start only, and Ctrl-C ends it well", async () => {
  const cwd = await testDir("up");
  const texts: string[] = [];
  for (const _ of ["first", "second"]) {
    const child = spawn(process.execPath, [CLI, "up", "--no-node", "--port", "0"], {
      cwd,
      env: { PATH: process.env.PATH, TRAWL_LOG: "warn" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line === "Ctrl-C stops it.") child.kill("SIGINT");
    }
    expect(await exited).toEqual([0, null]);
    texts.push(lines.join("\n"));
  }
  const [first, second] = texts;
  expect(first).toMatch(/^Trawl is running at http:\/\/127\.0\.0\.1:\d+$/m);
  expect(first).toMatch(/API key +sk_\w{30}\n +admin token +adm_\w{30}\n/);
  expect(second).toContain("API key and admin token are in .trawl/credentials.json");
  expect(second).not.toMatch(/sk_|adm_/);
});
