import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { testDir } from "../leaks.ts";
import { listeningSockets, ownedProcesses, pidsNow } from "./proc.ts";

/** Ended before the leak check of this very test looks. */
async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

describe("the leak check", () => {
  test("finds a child, and no longer once it is dead", async () => {
    const older = pidsNow();
    const mark = { self: process.pid, folder: "/nowhere" };
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    expect([...ownedProcesses(mark, older).keys()]).toContain(String(child.pid));
    await end(child);
    expect([...ownedProcesses(mark, older).keys()]).not.toContain(String(child.pid));
  });

  test("finds an orphan that works in the folder with an environment of its own", async () => {
    const older = pidsNow();
    const folder = await testDir();
    const options = { cwd: folder, detached: true, env: { PATH: process.env.PATH ?? "" } } as const;
    const parent = spawn("sh", ["-c", "sleep 60 >/dev/null 2>&1 & echo $!"], {
      ...options,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [output] = (await once(parent.stdout, "data")) as [Buffer];
    const orphan = Number(output);
    try {
      await once(parent, "close");
      expect([...ownedProcesses({ self: -1, folder }, older).keys()]).toEqual([String(orphan)]);
    } finally {
      process.kill(orphan, "SIGKILL");
    }
  });

  test("finds a listening socket, and no longer once it is closed", async () => {
    const before = listeningSockets();
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const added = [...listeningSockets()].filter(([inode]) => !before.has(inode)).map(([, what]) => what);
    expect(added).toEqual([`listening on port ${port}`]);
    server.close();
    await once(server, "close");
    expect(listeningSockets()).toEqual(before);
  });
});
