/** `--metrics-port`: Prometheus text on loopback. Whoever may scrape from elsewhere is for a proxy of the operator's to say. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Metric, PROMETHEUS_TYPE, prometheusText } from "../../shared/prometheus.ts";

/** A scraper has one connection or two. */
const MAX_CONNECTIONS = 32;
const REQUEST_TIMEOUT_MS = 10_000;

export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

export class MetricsPortTaken extends Error {
  override readonly name = "MetricsPortTaken";
}

/**
 * Serves `GET /metrics` at `http://127.0.0.1:<port>`; 0 takes a free port.
 *
 * @param metrics asked at each scrape.
 * @throws MetricsPortTaken
 */
export async function serveMetrics(port: number, metrics: () => Promise<Metric[]>): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const [path] = (request.url ?? "").split("?", 1);
    if (path !== "/metrics") return refuse(response, 404, "The figures are at /metrics\n");
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "GET only\n");
    metrics().then(
      (figures) => response.writeHead(200, { "content-type": PROMETHEUS_TYPE }).end(prometheusText(figures)),
      () => refuse(response, 500, "The figures could not be read\n"),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const problem = (error as NodeJS.ErrnoException).code ?? error.message;
      reject(new MetricsPortTaken(`Metrics cannot be served on 127.0.0.1:${port} (${problem}): choose another port`));
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}
