/** nginx for a bench: Debian's own, as a process of its own on loopback, with a configuration and a folder that go with it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";

const BINARY = "/usr/sbin/nginx";

export interface Nginx {
  url: string;
  version: string;
  stop(): Promise<void>;
}

/**
 * Serves the files of a folder as Debian's configuration does: by `sendfile`, without a log.
 *
 * @throws with what to install, where it is missing
 */
export async function startNginx(served: string): Promise<Nginx> {
  if (!existsSync(BINARY))
    throw new Error("this bench needs nginx: apt-get install --no-install-recommends nginx-light");
  const folder = await mkdtemp(join(tmpdir(), "trawl-nginx-"));
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  await writeFile(config, configuration(folder, served, port));
  const server = spawn(BINARY, ["-p", folder, "-c", config, "-e", "stderr"], { stdio: ["ignore", "ignore", "pipe"] });
  const ready = Promise.withResolvers<void>();
  const lines: string[] = [];
  let version = "";
  createInterface({ input: server.stderr }).on("line", (line) => {
    lines.push(line);
    version = / (nginx\/\S+)$/.exec(line)?.[1] ?? version;
    // The workers inherit sockets that listen already.
    if (line.includes("start worker process ")) ready.resolve();
  });
  server.once("error", ready.reject);
  server.once("exit", (code) => ready.reject(new Error(`nginx ended with ${code}:\n${lines.join("\n")}`)));
  await ready.promise;
  return {
    url: `http://127.0.0.1:${port}`,
    version,
    async stop() {
      server.removeAllListeners("exit");
      const exit = once(server, "exit");
      server.kill("SIGTERM"); // its fast shutdown
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As root its worker keeps root: the folder of the stack under test is open to its owner alone. */
function configuration(folder: string, served: string, port: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${join(folder, name)};`,
  );
  return [
    ...(process.getuid?.() === 0 ? ["user root;"] : []),
    "daemon off;",
    "worker_processes auto;",
    `pid ${join(folder, "pid")};`,
    "error_log stderr notice;",
    "events { worker_connections 64; }",
    "http {",
    "  access_log off;",
    "  sendfile on;",
    "  tcp_nopush on;",
    "  types { video/mp4 mp4; }",
    ...temporary,
    `  server { listen 127.0.0.1:${port}; root "${served}"; }`,
    "}",
    "",
  ].join("\n");
}
