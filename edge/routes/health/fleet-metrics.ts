/** Which figures `/metrics` has, and what each means. `docs/operations` explains how to use them. */
import { counter, gauge, type Metric, type Sample } from "../../../shared/prometheus.ts";
import type { PartitionStats } from "../../partition/stats.ts";
import { VERSION } from "../../version.ts";
import type { Asked } from "../admin/ask-partitions.ts";
import { NODE_STATES, type NodeView, slotsOnline } from "../admin/fleet-view.ts";

export interface FleetFigures {
  partitions: Asked<PartitionStats>[];
  /** Null, here and below: D1 did not answer. */
  nodes: NodeView[] | null;
  deliveries: { status: string; n: number }[] | null;
  /** Empty while `TRAWL_KEK` has never had more than one key. */
  sealed: { kek: string; records: number }[] | null;
}

export function fleetMetrics({ partitions, nodes, deliveries, sealed }: FleetFigures): Metric[] {
  const known = partitions.flatMap(({ name, answer }) => (answer === null ? [] : [{ name, ...answer }]));
  const perPartition = (value: (each: PartitionStats) => number): Sample[] =>
    known.map((each) => ({ labels: { partition: each.name }, value: value(each) }));
  const sum = (value: (each: PartitionStats) => number) => known.reduce((total, each) => total + value(each), 0);
  return [
    gauge("trawl_build_info", "Version of the edge.", [{ labels: { version: VERSION }, value: 1 }]),
    gauge(
      "trawl_partition_up",
      "Whether the partition answered this scrape.",
      partitions.map(({ name, answer }) => ({ labels: { partition: name }, value: answer === null ? 0 : 1 })),
    ),
    gauge("trawl_database_up", "Whether D1 answered this scrape.", [
      { value: nodes === null || deliveries === null ? 0 : 1 },
    ]),
    gauge(
      "trawl_jobs",
      "Live jobs by state.",
      known.flatMap((each) =>
        Object.entries(each.live).map(([state, value]) => ({ labels: { partition: each.name, state }, value })),
      ),
    ),
    counter("trawl_jobs_finished_total", "Jobs that ended, by state and failure class.", endSamples(known)),
    gauge(
      "trawl_queue_depth",
      "Jobs that are ready for a node.",
      perPartition((each) => each.live.queued),
    ),
    gauge(
      "trawl_queue_oldest_age_seconds",
      "How long the oldest ready job has waited; 0 without one.",
      perPartition((each) => (each.oldestQueuedMs ?? 0) / 1000),
    ),
    gauge(
      "trawl_webhook_deliveries",
      "Webhooks of the last 30 days by status.",
      (deliveries ?? []).map(({ status, n }) => ({ labels: { status }, value: n })),
    ),
    gauge(
      "trawl_sealed_records",
      "Stored secrets by the key of TRAWL_KEK that opens them, as last counted.",
      (sealed ?? []).map(({ kek, records }) => ({ labels: { kek }, value: records })),
    ),
    counter("trawl_uploaded_bytes_total", "Bytes of delivered files.", [{ value: sum((each) => each.bytesUploaded) }]),
    gauge(
      "trawl_nodes",
      "Nodes by state.",
      nodes === null
        ? []
        : NODE_STATES.map((state) => ({
            labels: { state },
            value: nodes.filter((each) => each.state === state).length,
          })),
    ),
    gauge(
      "trawl_fleet_slots",
      "Download slots of the nodes that take work.",
      nodes === null ? [] : [{ value: slotsOnline(nodes, "download") }],
    ),
    gauge(
      "trawl_fleet_live_slots",
      "Recording slots of the nodes that take work.",
      nodes === null ? [] : [{ value: slotsOnline(nodes, "live") }],
    ),
    gauge("trawl_fleet_wanted_slots", "Download slots that all ready and running downloads could use now.", [
      { value: sum((each) => each.wanted.download) },
    ]),
    gauge("trawl_fleet_wanted_live_slots", "Recording slots that all ready and running recordings could use now.", [
      { value: sum((each) => each.wanted.live) },
    ]),
  ];
}

function endSamples(partitions: readonly PartitionStats[]): Sample[] {
  const ends = Map.groupBy(
    partitions.flatMap((each) => each.ends),
    (end) => JSON.stringify([end.status, end.class]),
  );
  return [...ends.values()].map((same) => ({
    labels: { status: same[0]?.status ?? "", class: same[0]?.class ?? "" },
    value: same.reduce((total, end) => total + end.n, 0),
  }));
}
