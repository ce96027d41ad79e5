import { PROMETHEUS_TYPE, prometheusText } from "../../../shared/prometheus.ts";
import { deliveryCounts } from "../../db/delivery-counts.ts";
import { sealedCounts } from "../../db/seals.ts";
import { adminEndpoint } from "../admin/admin-guard.ts";
import { askAll, askDatabase } from "../admin/ask-partitions.ts";
import { readFleet } from "../admin/fleet-view.ts";
import { fleetMetrics } from "./fleet-metrics.ts";

/** For a scraper that sends the admin token. Every scrape wakes the partitions. */
export const getMetrics = adminEndpoint(
  "get-metrics",
  "GET",
  "/metrics",
  "Figures of queue and fleet in Prometheus text",
  async (context) => {
    const { env } = context;
    // While D1 does not answer, the queue's own figures are wanted most.
    const [partitions, fleet, deliveries, sealed] = await Promise.all([
      askAll(env, async (stub) => stub.adminStats()),
      readFleet(env),
      askDatabase(deliveryCounts(env.DB)).catch(() => null),
      askDatabase(sealedCounts(env.DB)).catch(() => null),
    ]);
    const text = prometheusText(fleetMetrics({ partitions, nodes: fleet?.nodes ?? null, deliveries, sealed }));
    return new Response(text, { headers: { "Content-Type": PROMETHEUS_TYPE } });
  },
);
