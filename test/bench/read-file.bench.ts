/**
 * A large file out of the disk store by its managed URL, as `curl` takes it: whole, and a range of it. Against the same file
 * from nginx, which hands it from the kernel's cache to the socket (`sendfile`); ours goes from the disk's service through
 * the Worker to the socket.
 */
import { type Bench, inTurn, type Row, timed } from "./bench.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { program, startSource } from "./source.ts";
import { type BenchStack, startStack } from "./stack.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const RUNS = 5;
/** What a player asks for when somebody jumps into the middle. */
const RANGE = { offset: 512 * MIB + 1, length: 64 * MIB };

interface MediaFile {
  url: string;
  key: string;
}

/** A film of this size in the store. */
async function deliverFilm(stack: BenchStack, size: number): Promise<MediaFile> {
  const source = await startSource();
  try {
    const id = await stack.deliver({ url: `${source.url}/padded/${size}/video-360.mp4`, filename: "large" });
    const response = await fetch(`${stack.url}/jobs/${id}`, { headers: { "x-api-key": stack.apiKey } });
    const { files } = (await response.json()) as { files: (MediaFile & { kind: string; size: number })[] };
    const media = files.find(({ kind }) => kind === "media");
    if (media === undefined) throw new Error("the job has no media file");
    return media;
  } finally {
    await source.stop();
  }
}

/** Takes it all and keeps nothing. Throws unless that many bytes came with this status. */
async function fetched(url: string, status: 200 | 206, bytes: number, ...options: string[]): Promise<number> {
  let said = "";
  const took = await timed(async () => {
    said = await program("curl", "-sf", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", ...options, url);
  });
  if (said !== `${status} ${bytes}`) throw new Error(`curl of ${url} got "${said}" and not "${status} ${bytes}"`);
  return took;
}

export default {
  name: "reading a large file",
  limitMillis: 5 * 60_000,
  async run(): Promise<Row[]> {
    const stack = await startStack(1);
    let nginx: Nginx | null = null;
    try {
      // First: where it is missing, that is said before a file is fetched for nothing.
      nginx = await startNginx(stack.downloads);
      const film = await deliverFilm(stack, GIB);
      const peer = `${nginx.url}/${film.key.split("/").map(encodeURIComponent).join("/")}`;
      const { offset, length } = RANGE;
      const range = ["-r", `${offset}-${offset + length - 1}`];
      const both = (status: 200 | 206, bytes: number, ...options: string[]) =>
        inTurn(
          RUNS,
          () => fetched(film.url, status, bytes, ...options),
          () => fetched(peer, status, bytes, ...options),
        );
      const row = { against: nginx.version, unit: "ms" as const, budget: null, runs: RUNS };
      return [
        { what: "1 GiB out of the disk store", ...(await both(200, GIB)), ...row },
        { what: "64 MiB of it, a range", ...(await both(206, length, ...range)), ...row },
        { what: "one byte of it", ...(await both(206, 1, "-r", `${offset}-${offset}`)), ...row },
      ];
    } finally {
      await nginx?.stop();
      await stack.stop();
    }
  },
} satisfies Bench;
