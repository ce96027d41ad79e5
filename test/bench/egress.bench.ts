/** What the guard costs a large download: through its proxy, as tools have it, and on our own way. */
import { request } from "undici";
import { startEgressProxy } from "../../worker-node/egress/proxy.ts";
import { type Bench, inTurn, type Row, timed } from "./bench.ts";
import { program, startSource } from "./source.ts";

const MEGABYTES = 400;
const RUNS = 5;

export default {
  name: "egress guard",
  limitMillis: 4 * 60_000,
  async run(): Promise<Row[]> {
    const source = await startSource();
    const proxy = await startEgressProxy({ allowPrivate: true });
    const attempt = proxy.openAttempt("bench");
    const url = `${source.url}/padded/${MEGABYTES * 1_000_000}/video-360.mp4`;
    const rate = async (work: () => Promise<unknown>) => (MEGABYTES / (await timed(work))) * 1000;
    const curl = (...more: string[]) => program("curl", "-sf", "-o", "/dev/null", ...more, url);
    const plain = () => rate(() => curl("--noproxy", "*"));
    const row = async (what: string, ours: () => Promise<number>, budget: Row["budget"]): Promise<Row> => {
      const { ours: mine, peer, ratio } = await inTurn(RUNS, ours, plain);
      return { what, ours: mine, peer, against: "curl", unit: "MB/s", ratio, budget, runs: RUNS };
    };
    const own = async () => {
      const { body } = await request(url, { dispatcher: attempt.direct.dispatcher });
      for await (const _chunk of body);
    };
    try {
      return [
        await row("CONNECT through the proxy", () => rate(() => curl("-p", "-x", attempt.proxyUrl)), null),
        await row("plain HTTP through the proxy", () => rate(() => curl("-x", attempt.proxyUrl)), null),
        await row("our own way, past the proxy's socket", () => rate(own), null),
      ];
    } finally {
      await proxy.close();
      await source.stop();
    }
  },
} satisfies Bench;
