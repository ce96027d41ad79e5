/** The Prometheus text format, version 0.0.4, as edge and node write it. */

export interface Metric {
  name: string;
  help: string;
  type: "gauge" | "counter";
  samples: Sample[];
}

export interface Sample {
  labels?: Record<string, string>;
  value: number;
}

/** A figure that goes up and down. */
export function gauge(name: string, help: string, samples: Sample[]): Metric {
  return { name, help, type: "gauge", samples };
}

/** A figure that only rises while its process, or its store, lives. By convention its name ends in `_total`. */
export function counter(name: string, help: string, samples: Sample[]): Metric {
  return { name, help, type: "counter", samples };
}

/** The content type that a scraper expects. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A metric without samples still tells that it exists. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics.map(metricText).join("");
}

function metricText({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
