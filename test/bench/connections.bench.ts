/** A source that gives each connection so much and no more: four connections against one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEgressProxy } from "../../worker-node/egress/proxy.ts";
import { CookieJar } from "../../worker-node/fetch/cookies.ts";
import { fetchFile } from "../../worker-node/fetch/fetch-file.ts";
import { type Bench, inTurn, type Row, timed } from "./bench.ts";
import { startSource } from "./source.ts";

const BYTES_PER_SECOND = 8_000_000;
const BYTES = 128_000_000;
const RUNS = 2;

export default {
  name: "connections",
  limitMillis: 4 * 60_000,
  async run(): Promise<Row[]> {
    const source = await startSource();
    const proxy = await startEgressProxy({ allowPrivate: true });
    const { direct } = proxy.openAttempt("bench");
    const folder = await mkdtemp(join(tmpdir(), "trawl-bench-"));
    const path = join(folder, "file");
    const url = `${source.url}/slow/${BYTES_PER_SECOND}/padded/${BYTES}/video-360.mp4`;
    const get = async (connections: number) => {
      const wanted = { url, headers: {}, cookies: new CookieJar(), path, maxBytes: null, maxRangeBytes: null };
      const { signal } = new AbortController();
      const took = await timed(() => fetchFile(direct, { ...wanted, onProgress: () => {}, signal }, { connections }));
      await rm(path);
      return BYTES / took / 1000;
    };
    try {
      const { ours, peer, ratio } = await inTurn(
        RUNS,
        () => get(4),
        () => get(1),
      );
      const what = `${BYTES / 1e6} MB at ${BYTES_PER_SECOND / 1e6} MB/s a connection`;
      return [{ what, ours, peer, against: "one connection", unit: "MB/s", ratio, budget: { atLeast: 3 }, runs: RUNS }];
    } finally {
      await proxy.close();
      await source.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
} satisfies Bench;
