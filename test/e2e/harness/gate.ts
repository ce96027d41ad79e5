/**
 * A proxy between one node and the edge that stops chosen calls: before the edge hears them, or before the node hears
 * the answer. What a lost packet or a frozen host does at a random moment, it does at a named one.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect } from "vitest";
import { atEnd } from "./at-end.ts";
import { eventually } from "./eventually.ts";

export interface GateHold {
  /** Resolves when a call has come to its stop; with the status, if it is the answer that is held. */
  readonly reached: Promise<number | null>;
  /** Lets it go on, and all later ones. The edge hears a held call even if the node has hung up. */
  release(): void;
  /** Hangs up on the node instead: what the edge has done is done, but its answer is lost. Later calls pass. */
  drop(): void;
}

export interface Gate {
  /** The edge, as the node should know it. */
  readonly url: string;
  /** Resolves when the edge has given just these answers to calls whose path ends so, oldest first. */
  answered(pathEnd: string, statuses: readonly number[]): Promise<void>;
  /** Stops calls whose path ends so (`/complete`, `/heartbeat`) or matches. */
  hold(path: string | RegExp, when: "before" | "after"): GateHold;
  /** The line to the edge is dead: what is under way ends, what is held too, and nothing new comes through. */
  cut(): void;
  /** It is there again. */
  mend(): void;
}

export interface GateOptions {
  /** The parts of uploads come through here too, as from a node on another host. */
  parts?: boolean;
  /** False: upgrades are refused, so that there is no socket of hints and progress. Defaults to true. */
  sockets?: boolean;
}

/** A name that is no loopback one: the edge then has parts put where the node reached it. */
const ELSEWHERE = "edge.elsewhere.test";

type Verdict = "release" | "drop";

interface Rule {
  path: string | RegExp;
  when: "before" | "after";
  reached: PromiseWithResolvers<number | null>;
  verdict: PromiseWithResolvers<Verdict>;
}

interface EdgeAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** Starts a gate before the edge; it is closed when the test ends. */
export async function startGate(
  edge: string,
  { parts = false, sockets: tunnels = true }: GateOptions = {},
): Promise<Gate> {
  const rules: Rule[] = [];
  let isCut = false;
  const answers: { path: string; status: number }[] = [];
  const stopped = async (when: Rule["when"], path: string, status: number | null): Promise<Verdict> => {
    const rule = rules.find((each) => each.when === when && matches(each.path, path));
    rule?.reached.resolve(status);
    return rule === undefined ? "release" : rule.verdict.promise;
  };
  const pass = async (call: IncomingMessage, out: ServerResponse): Promise<void> => {
    const path = call.url ?? "/";
    const body = await buffer(call);
    if ((await stopped("before", path, null)) === "drop") return void out.destroy();
    const answer = await forward(edge, call, body, parts ? ELSEWHERE : null);
    answers.push({ path, status: answer.status });
    if ((await stopped("after", path, answer.status)) === "drop") return void out.destroy();
    const headers = { ...answer.headers };
    const told = parts ? Buffer.from(answer.body.toString().replaceAll(`http://${ELSEWHERE}`, own())) : answer.body;
    if (parts) headers["content-length"] = String(told.length);
    out.writeHead(answer.status, headers).end(told);
  };
  const server = createServer((call, out) => void pass(call, out).catch(() => out.destroy()));
  server.on("upgrade", (call, socket, head) => {
    if (tunnels) tunnel(edge, call, socket, head);
    else socket.destroy();
  });
  const own = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<Duplex>();
  server.on("connection", (socket) => {
    if (isCut) socket.destroy();
    else sockets.add(socket);
  });
  const cut = (): void => {
    isCut = true;
    for (const rule of rules.splice(0)) rule.verdict.resolve("drop");
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  atEnd(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  });
  return {
    url: own(),
    cut,
    mend: () => {
      isCut = false;
    },
    async answered(pathEnd, statuses) {
      const given = () => answers.filter(({ path }) => path.endsWith(pathEnd)).map(({ status }) => status);
      await eventually(
        () => given().length >= statuses.length,
        () => `${pathEnd}: ${JSON.stringify(given())}`,
      );
      expect(given()).toEqual(statuses);
    },
    hold(path, when) {
      const rule: Rule = { path, when, reached: Promise.withResolvers(), verdict: Promise.withResolvers() };
      rules.push(rule);
      return {
        reached: rule.reached.promise,
        release: () => rule.verdict.resolve("release"),
        drop: () => {
          rules.splice(rules.indexOf(rule), 1);
          rule.verdict.resolve("drop");
        },
      };
    },
  };
}

function matches(wanted: string | RegExp, path: string): boolean {
  return typeof wanted === "string" ? path.endsWith(wanted) : wanted.test(path);
}

/** @param host as which the edge is called; null: as the node called it. */
function forward(edge: string, call: IncomingMessage, body: Buffer, host: string | null): Promise<EdgeAnswer> {
  return new Promise((resolve, reject) => {
    const out = request(
      edge + call.url,
      { method: call.method, headers: host === null ? call.headers : { ...call.headers, host }, agent: false },
      async (answer) => {
        const { "transfer-encoding": _, ...headers } = answer.headers;
        resolve({ status: answer.statusCode ?? 502, headers, body: await buffer(answer) });
      },
    );
    out.on("error", reject);
    out.end(body);
  });
}

/** The socket of hints and progress goes through untouched. */
function tunnel(edge: string, call: IncomingMessage, node: Duplex, head: Buffer): void {
  const { hostname, port } = new URL(edge);
  const far = connect(Number(port), hostname, () => {
    const lines = Array.from({ length: call.rawHeaders.length / 2 }, (_, at) =>
      call.rawHeaders.slice(2 * at, 2 * at + 2).join(": "),
    );
    far.write(`${call.method} ${call.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    far.write(head);
    far.pipe(node).pipe(far);
  });
  const end = () => {
    far.destroy();
    node.destroy();
  };
  far.on("error", end).on("close", end);
  node.on("error", end).on("close", end);
}
