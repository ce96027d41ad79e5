/** `trawl node` as a process, against a fake edge: what it says of its tools, and what becomes of it when they change. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { LogLines } from "../e2e/harness/log-lines.ts";
import { testDir } from "../leaks.ts";
import { parsePrometheus, sampleOf } from "../shared/prometheus-parser.ts";
import { installFake } from "./media/private-tree.ts";
import { realTools } from "./media/tools.ts";
import { startEdge } from "./session/harness.ts";

const CLI = resolve(import.meta.dirname, "../../bin/trawl.ts");

it("a node that the edge keeps quiet for its yt-dlp tells of a new one by itself, works then, and leaves nothing", async () => {
  const root = await testDir("node");
  const tools = join(root, "tools");
  const python = (await realTools()).ytdlp.python ?? "";
  const edge = await startEdge();
  edge.quiet = "yt-dlp 2026.05.01 is older than 2026.07.04";
  const script = installFake(tools, "2026.05.01", python);
  const args = [
    CLI,
    "node",
    "--edge",
    edge.url,
    "--token",
    "enrol_1",
    "--data",
    join(root, "data"),
    "--name",
    "fra-07",
  ];
  const env = { PATH: process.env.PATH ?? "", TMPDIR: root, TRAWL_YTDLP: script, TRAWL_ALLOW_PRIVATE: "1" };
  const node = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "ignore", "pipe"] });
  const log = text(node.stderr);
  const exit = once(node, "exit");

  const first = await edge.nth("sessions");
  const versions = { node: process.versions.node, adapter: "warm-host", ytdlp_ejs: "none", ffmpeg: expect.any(String) };
  expect(first.body).toMatchObject({ resume: null, versions: { ...versions, ytdlp: "2026.05.01" } });
  const beat = await edge.nth("heartbeat", 2);
  expect(beat.body.state).toBe("quiet");

  edge.quiet = null;
  installFake(tools, "2026.11.11", python);
  const second = await edge.nth("sessions", 2);
  expect(second.body).toMatchObject({ resume: edge.session, versions: { ...versions, ytdlp: "2026.11.11" } });
  await edge.nth("lease");
  expect(edge.calls.findIndex((call) => call.name === "lease")).toBeGreaterThan(edge.calls.indexOf(second));

  node.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  const events = (await log)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events).toContainEqual(
    expect.objectContaining({ event: "node.ready", adapter: "warm-host", ytdlp_ejs: "none" }),
  );
  expect(events).toContainEqual(
    expect.objectContaining({ event: "session.quiet", reason: expect.stringContaining("older") }),
  );
  expect(events).toContainEqual(expect.objectContaining({ event: "ytdlp.changed", version: "2026.11.11" }));
});

it("a node with a metrics port serves its figures from its start on, before the edge knows it, and says where", async () => {
  const root = await testDir("node");
  const edge = await startEdge();
  edge.fail("sessions", "refused", "refused");
  const args = ["node", "--edge", edge.url, "--token", "enrol_1", "--data", join(root, "data"), "--slots", "3"];
  const node = spawn(process.execPath, [CLI, ...args, "--metrics-port", "0"], {
    cwd: root,
    env: { PATH: process.env.PATH ?? "", TMPDIR: root },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exit = once(node, "exit");
  const log = new LogLines(node.stderr);
  const { port, node: id } = await log.waitFor("metrics.ready");
  const read = async () => parsePrometheus(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  expect(sampleOf(await read(), "trawl_node_slots", { class: "download" })).toBe(3);
  await log.waitFor("node.ready");
  await edge.nth("heartbeat", 2);
  const metrics = await read();
  expect(sampleOf(metrics, "trawl_node_slots", { class: "live" })).toBe(6);
  expect(sampleOf(metrics, "trawl_node_edge_calls_total", { result: "unreachable" })).toBe(2);
  expect(sampleOf(metrics, "trawl_node_work_disk_free_bytes")).toBeGreaterThan(0);
  expect(metrics.get("trawl_node_info")?.samples[0]?.labels).toMatchObject({
    node: process.versions.node,
    ytdlp: expect.stringMatching(/^\d{4}\./),
  });
  const lines = log.events.slice(log.events.findIndex(({ event }) => event === "metrics.ready"));
  expect(lines.every((line) => line.node === id)).toBe(true);
  node.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});

it("a node whose metrics port is taken says so and ends", async () => {
  const root = await testDir("node");
  const edge = await startEdge();
  const { port } = new URL(edge.url);
  const args = ["node", "--edge", edge.url, "--token", "enrol_1", "--data", join(root, "data"), "--metrics-port", port];
  const node = spawn(process.execPath, [CLI, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH ?? "", TMPDIR: root, TRAWL_LOG: "error" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [said, exit] = await Promise.all([text(node.stderr), once(node, "exit")]);
  expect(exit).toEqual([1, null]);
  expect(said).toBe(`trawl node: Metrics cannot be served on 127.0.0.1:${port} (EADDRINUSE): choose another port\n`);
});
