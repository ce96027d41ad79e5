/** What a node counts while it works for a fake edge, and how its calls carry the trace of their job. */
import { expect, it } from "vitest";
import { prometheusText } from "../../../shared/prometheus.ts";
import { MediaFailure } from "../../../worker-node/media/failure.ts";
import { nodeMetrics, processNow } from "../../../worker-node/metrics/node-metrics.ts";
import { parsePrometheus, sampleOf } from "../../shared/prometheus-parser.ts";
import { aList, endless, fakeYtDlp, startEdge, startNode, type TestNode } from "../session/harness.ts";

/** What a scrape of this node would read. */
function scrape({ node, figures }: TestNode, more: Partial<Parameters<typeof nodeMetrics>[1]> = {}) {
  const versions = { node: "24.0.0", ytdlp: "2026.10.26", ffmpeg: "7.1", adapter: "fake" };
  const moment = {
    version: "0.1.0",
    versions,
    slots: { download: 2, live: 4 },
    running: node.running,
    calls: node.openCalls,
    quiet: node.isQuiet,
    heartbeatAgeMs: node.heartbeatAgeMs,
    egress: { received: 1_000, sent: 10 },
    diskFreeBytes: 5_000_000,
    process: processNow(),
    ...more,
  };
  const metrics = parsePrometheus(prometheusText(nodeMetrics(figures, moment)));
  return (name: string, labels?: Record<string, string>) => sampleOf(metrics, name, labels);
}

it("a node counts its attempts by outcome and class, what runs by slot, and its calls to the edge by result", async () => {
  const edge = await startEdge();
  const looks = [aList, () => Promise.reject(new MediaFailure("drm")), endless];
  const node = await startNode(edge, { ytdlp: fakeYtDlp((context) => (looks.shift() ?? endless)(context)) });
  const seen = (event: string, count: number) =>
    edge.until(() => node.events.filter((each) => each.event === event).length === count);
  edge.on("extracted", () => ({ decision: "expanded" }));
  edge.offer();
  await seen("attempt.ended", 1);
  edge.offer({ token: "1.2" });
  await edge.nth("fail");
  edge.fail("confirm", { status: 503, error: "rebuilding" });
  edge.offer({ token: "1.3" });
  await seen("attempt.started", 3);

  const of = scrape(node);
  expect(of("trawl_node_attempts_ended_total", { outcome: "expanded", class: "" })).toBe(1);
  expect(of("trawl_node_attempts_ended_total", { outcome: "failed", class: "drm" })).toBe(1);
  expect(of("trawl_node_attempts_running", { class: "download" })).toBe(1);
  expect(of("trawl_node_attempts_running", { class: "live" })).toBe(0);
  expect(of("trawl_node_slots", { class: "live" })).toBe(4);
  expect(of("trawl_node_edge_calls_total", { result: "rebuilding" })).toBe(1);
  expect(of("trawl_node_edge_calls_total", { result: "ok" })).toBeGreaterThan(5);
  expect(of("trawl_node_edge_call_seconds_total")).toBeGreaterThan(0);
  expect(of("trawl_node_downloaded_bytes_total")).toBe(1_000);
  expect(of("trawl_node_quiet")).toBe(0);
  expect(of("trawl_node_heartbeat_age_seconds")).toBeLessThan(60);
  expect(of("trawl_node_work_disk_free_bytes")).toBe(5_000_000);
  expect(of("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  const versions = { version: "0.1.0", node: "24.0.0", ytdlp: "2026.10.26", ffmpeg: "7.1", adapter: "fake" };
  expect(of("trawl_node_info", { ...versions, ytdlp_ejs: "" })).toBe(1);
});

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

it("a job's trace goes on in each call about its attempt and in each log line of it, under a span of the attempt's own", async () => {
  const edge = await startEdge();
  const node = await startNode(edge, { ytdlp: fakeYtDlp(() => Promise.reject(new MediaFailure("drm"))) });
  const { job } = edge.offer({ traceparent: `00-${TRACE}-00f067aa0ba902b7-01` });
  await edge.nth("fail");
  const told = edge.calls.filter(({ path }) => path.includes(`/jobs/${job}/`));
  const [span] = new Set(told.map(({ traceparent }) => traceparent));
  expect(told.map(({ name }) => name)).toEqual(["confirm", "fail"]);
  expect(new Set(told.map(({ traceparent }) => traceparent)).size).toBe(1);
  expect(span).toMatch(new RegExp(`^00-${TRACE}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
  // What is about no job belongs to no trace.
  expect(edge.calls.filter(({ path }) => !path.includes("/jobs/")).every((each) => each.traceparent === null)).toBe(
    true,
  );
  const lines = node.events.filter(({ event }) => event.startsWith("attempt."));
  expect(lines.map(({ event }) => event)).toEqual(["attempt.started", "attempt.failed"]);
  expect(lines.every(({ fields }) => fields.trace === TRACE && fields.job === job && fields.attempt === "1.1")).toBe(
    true,
  );
});

it("a job without a trace gets none", async () => {
  const edge = await startEdge();
  const node = await startNode(edge, { ytdlp: fakeYtDlp(() => Promise.reject(new MediaFailure("drm"))) });
  edge.offer();
  await edge.nth("fail");
  expect(edge.calls.every(({ traceparent }) => traceparent === null)).toBe(true);
  expect(node.events.every(({ fields }) => !("trace" in fields))).toBe(true);
});
