/** PostgreSQL for a bench: Debian's own, as a process of its own on loopback, on a folder that goes with it; never as root. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";

const BINARIES = "/usr/lib/postgresql";

export interface Postgres {
  connection: string;
  version: string;
  stop(): Promise<void>;
}

/** @throws with what to install, where it is missing */
export async function startPostgres(): Promise<Postgres> {
  const newest = readdirSync(BINARIES, { encoding: "utf8" }).toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new Error("this bench needs PostgreSQL: apt-get install postgresql");
  const binary = (name: string) => join(BINARIES, newest, "bin", name);
  const folder = await mkdtemp(join(tmpdir(), "trawl-pg-"));
  const owner = process.getuid?.() === 0 ? nobody() : null;
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, "data");
  execFileSync(binary("initdb"), ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"], {
    ...(owner ?? {}),
    cwd: folder,
    stdio: "ignore",
  });
  const port = await freePort();
  const server = spawn(binary("postgres"), ["-D", data, "-p", String(port), "-k", folder, "-h", "127.0.0.1"], {
    ...(owner ?? {}),
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ready = Promise.withResolvers<void>();
  const lines: string[] = [];
  createInterface({ input: server.stderr }).on("line", (line) => {
    lines.push(line);
    if (line.includes("ready to accept connections")) ready.resolve();
  });
  server.once("exit", (code) => ready.reject(new Error(`postgres ended with ${code}:\n${lines.join("\n")}`)));
  await ready.promise;
  return {
    connection: `postgres://bench@127.0.0.1:${port}/postgres`,
    version: newest,
    async stop() {
      server.removeAllListeners("exit");
      const exit = once(server, "exit");
      server.kill("SIGINT"); // its fast shutdown
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function nobody(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
