import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ROOT } from "../../scripts/build/stamp.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers one path; the port of one that is closed again where there is none. */
async function serve(answers: { path: string; body: string } | null): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === answers?.path ? 200 : 404).end(answers?.body ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise((resolve) => server.close(resolve));
  if (answers === null) await close();
  else closing.push(close);
  return port;
}

const EDGE = { path: "/health", body: '{"status":"ok"}' };
const metrics = (seconds: number) => ({
  path: "/metrics",
  body: `# TYPE trawl_node_heartbeat_age_seconds gauge\ntrawl_node_heartbeat_age_seconds ${seconds}\n`,
});

test.each([
  ["the edge answers", EDGE, null, 0],
  ["the edge has heard of the node", null, metrics(12.5), 0],
  ["the edge has not heard of the node for long", null, metrics(300), 1],
  ["the node has had no session yet", null, { path: "/metrics", body: "trawl_node_quiet 0\n" }, 1],
  ["nothing answers", null, null, 1],
])("where %s, it is healthy or not", async (_, edge, node, expected) => {
  const [edgePort, metricsPort] = [await serve(edge), await serve(node)];
  const check = spawn(process.execPath, [join(ROOT, "scripts", "healthcheck.mjs"), String(metricsPort)], {
    env: { TRAWL_PORT: String(edgePort) },
    stdio: "inherit",
  });
  expect(await once(check, "exit")).toEqual([expected, null]);
});
