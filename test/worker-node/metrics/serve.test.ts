import { afterEach, describe, expect, it } from "vitest";
import { counter } from "../../../shared/prometheus.ts";
import { type MetricsServer, serveMetrics } from "../../../worker-node/metrics/serve.ts";
import { parsePrometheus, sampleOf } from "../../shared/prometheus-parser.ts";

let server: MetricsServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function start(metrics = async () => [counter("n_total", "n", [{ value: 7 }])]): Promise<string> {
  server = await serveMetrics(0, metrics);
  return `http://127.0.0.1:${server.port}`;
}

describe("the metrics port", () => {
  it("serves what it is asked for at that moment, as Prometheus text", async () => {
    let n = 0;
    const base = await start(async () => [counter("n_total", "n", [{ value: ++n }])]);
    for (const expected of [1, 2]) {
      const answer = await fetch(`${base}/metrics?x=1`);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        200,
        "text/plain; version=0.0.4; charset=utf-8",
      ]);
      expect(sampleOf(parsePrometheus(await answer.text()), "n_total")).toBe(expected);
    }
  });

  it("has nothing else, and changes nothing", async () => {
    const base = await start();
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(`${base}//evil/metrics`)).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: "POST" })).status).toBe(405);
    const head = await fetch(`${base}/metrics`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("answers 500 when a figure cannot be read, and goes on", async () => {
    let broken = true;
    const base = await start(async () => {
      if (broken) throw new Error("the disk is gone");
      return [];
    });
    const answer = await fetch(`${base}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([500, "The figures could not be read\n"]);
    broken = false;
    expect((await fetch(`${base}/metrics`)).status).toBe(200);
  });

  it("says which port is taken", async () => {
    const base = await start();
    const port = Number(new URL(base).port);
    await expect(serveMetrics(port, async () => [])).rejects.toThrow(
      `Metrics cannot be served on 127.0.0.1:${port} (EADDRINUSE): choose another port`,
    );
  });
});
