/** Which figures a node serves, and what each means. `docs/operations/metrics.md` explains how to use them. */
import type { NodeVersions, SlotClass, Slots } from "../../shared/contract/fleet.ts";
import { counter, gauge, type Metric } from "../../shared/prometheus.ts";
import type { AttemptBytes } from "../egress/attempt.ts";
import type { NodeFigures } from "./figures.ts";

/** The node at one moment, as far as it is not counted but looked up. */
export interface NodeMoment {
  version: string;
  versions: NodeVersions;
  slots: Slots;
  running: Slots;
  /** Questions with somebody waiting. */
  calls: number;
  /** Takes no work: drained, or kept quiet by the edge. */
  quiet: boolean;
  /** Since the partition that has been silent longest last answered a heartbeat; null before the first session. */
  heartbeatAgeMs: number | null;
  egress: AttemptBytes;
  diskFreeBytes: number;
  process: { residentBytes: number; cpuSeconds: number; startedAtSeconds: number };
}

const CLASSES: readonly SlotClass[] = ["download", "live"];

export function nodeMetrics(figures: NodeFigures, moment: NodeMoment): Metric[] {
  const { versions } = moment;
  const perClass = (slots: Slots) => CLASSES.map((each) => ({ labels: { class: each }, value: slots[each] }));
  return [
    gauge("trawl_node_info", "Versions of the node and its tools.", [
      { labels: { version: moment.version, ...versions, ytdlp_ejs: versions.ytdlp_ejs ?? "" }, value: 1 },
    ]),
    gauge("trawl_node_slots", "Attempts that may run at once, by slot class.", perClass(moment.slots)),
    gauge("trawl_node_attempts_running", "Attempts that run now, by slot class.", perClass(moment.running)),
    gauge("trawl_node_calls_running", "Interactive calls that are being answered.", [{ value: moment.calls }]),
    gauge("trawl_node_quiet", "Whether the node takes no new work: drained, or kept quiet by the edge.", [
      { value: moment.quiet ? 1 : 0 },
    ]),
    counter(
      "trawl_node_attempts_ended_total",
      "Attempts that ended, by outcome and, for failures, class.",
      figures.ends.map(({ outcome, class: failure, n }) => ({ labels: { outcome, class: failure }, value: n })),
    ),
    counter("trawl_node_downloaded_bytes_total", "Bytes from sources, by the egress guard's connections.", [
      { value: moment.egress.received },
    ]),
    counter("trawl_node_uploaded_bytes_total", "Bytes of parts that storage has taken.", [
      { value: figures.bytesUploaded },
    ]),
    counter(
      "trawl_node_edge_calls_total",
      "Calls to the edge, by result: ok, or the protocol's error code.",
      [...figures.calls].map(([result, value]) => ({ labels: { result }, value })),
    ),
    counter("trawl_node_edge_call_seconds_total", "Time that all calls to the edge took together.", [
      { value: figures.callMs / 1000 },
    ]),
    gauge(
      "trawl_node_heartbeat_age_seconds",
      "Since the edge last answered a heartbeat; of several partitions the oldest.",
      moment.heartbeatAgeMs === null ? [] : [{ value: moment.heartbeatAgeMs / 1000 }],
    ),
    gauge("trawl_node_work_disk_free_bytes", "Free bytes where the attempts' folders lie.", [
      { value: moment.diskFreeBytes },
    ]),
    // The names under which every client library has them, so that common dashboards fit.
    gauge("process_resident_memory_bytes", "Memory of the node's own process, without its tools.", [
      { value: moment.process.residentBytes },
    ]),
    counter("process_cpu_seconds_total", "Processor time of the node's own process.", [
      { value: moment.process.cpuSeconds },
    ]),
    gauge("process_start_time_seconds", "Unix time of the process's start.", [
      { value: moment.process.startedAtSeconds },
    ]),
  ];
}

/** The process's own figures. */
export function processNow(): NodeMoment["process"] {
  const { user, system } = process.cpuUsage();
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1_000_000,
    startedAtSeconds: performance.timeOrigin / 1000,
  };
}
