/** The line between one node and the edge: bytes pass as they are until somebody cuts it. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { atEnd } from "./at-end.ts";

export interface Cable {
  /** The edge, as the node should know it. */
  readonly url: string;
  /** Ends every connection, the calls under way in them included; `mend` lets new ones through. */
  cut(): void;
  mend(): void;
}

/** Lays a cable to the edge; it goes when the test ends. */
export async function layCable(edge: string): Promise<Cable> {
  const { hostname, port } = new URL(edge);
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        ends.delete(from);
        to.destroy();
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const drop = () => {
    for (const end of ends) end.destroy();
  };
  atEnd(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    drop();
    await closed;
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      drop();
    },
    mend() {
      isCut = false;
    },
  };
}
