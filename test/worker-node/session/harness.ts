/** A node's session and a running node against a fake edge; the media half is a yt-dlp of our own making. */
import { generateKeyPairSync, sign } from "node:crypto";
import { readdir } from "node:fs/promises";
import { afterEach } from "vitest";
import { sessionChallenge } from "../../../shared/contract/fleet.ts";
import { startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import type { FleetError } from "../../../worker-node/fleet/fleet-error.ts";
import type { LogFields } from "../../../worker-node/log.ts";
import type { MediaDeps } from "../../../worker-node/media/run-attempt.ts";
import type { Extracted, YtDlp, YtDlpContext } from "../../../worker-node/media/ytdlp/port.ts";
import { NodeFigures } from "../../../worker-node/metrics/figures.ts";
import type { Identity } from "../../../worker-node/session/identity.ts";
import { RunningNode } from "../../../worker-node/session/node.ts";
import { Session } from "../../../worker-node/session/session.ts";
import { testDir } from "../../leaks.ts";
import { FakeEdge } from "./fake-edge.ts";

const closing: (() => Promise<unknown>)[] = [];
/** In reverse: a node is stopped before the edge that it talks to goes. */
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export async function startEdge(): Promise<FakeEdge> {
  const edge = await FakeEdge.start();
  closing.push(() => edge.close());
  return edge;
}

const NODE_ID = "01a2310c-0100-726b-b2a7-4de452e6b438";

export function identity(): Identity {
  const { privateKey } = generateKeyPairSync("ed25519");
  const signNonce = (nonce: string) => sign(null, Buffer.from(sessionChallenge(NODE_ID, nonce)), privateKey);
  return { nodeId: NODE_ID, name: "fra-07", sign: (nonce) => signNonce(nonce).toString("base64url") };
}

export interface TestSession {
  session: Session;
  /** What the session said to be the end of this process. */
  final: FleetError[];
  events: { event: string; fields: LogFields }[];
  figures: NodeFigures;
  stop(): void;
}

export function newSession(edge: FakeEdge): TestSession {
  const stopped = new AbortController();
  const final: FleetError[] = [];
  const events: TestSession["events"] = [];
  const figures = new NodeFigures();
  const session = new Session({
    edge: edge.url,
    identity: identity(),
    slots: { download: 2, live: 4 },
    versions: () => ({ node: "24.0.0", ytdlp: "2026.10.26", ffmpeg: "7.1", adapter: "command-line" }),
    signal: stopped.signal,
    log: (_, event, fields = {}) => void events.push({ event, fields }),
    onFinal: (error) => void final.push(error),
    onCall: (result, tookMs) => figures.edgeCalled(result, tookMs),
  });
  const stop = () => stopped.abort(new Error("the test is over"));
  closing.push(async () => stop());
  return { session, final, events, figures, stop };
}

/** A look-up as the test wants it; every other question to yt-dlp is an error. */
export function fakeYtDlp(extract: (context: YtDlpContext) => Promise<Extracted>): YtDlp {
  const never = () => Promise.reject(new Error("not asked for in this test"));
  return {
    kind: "fake",
    version: "2026.10.26",
    answersQuestions: true,
    ask: never,
    extract: (_, context) => extract(context),
    describe: never,
    download: never,
    subtitle: never,
    thumbnail: never,
    run: never,
  };
}

/** A look-up that ends only when it is killed. */
export function endless(context: YtDlpContext): Promise<Extracted> {
  return new Promise((_, reject) => {
    context.signal.throwIfAborted();
    context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true });
  });
}

/** A list of two: the edge's answer to it ends the attempt, whatever that is. */
export async function aList(): Promise<Extracted> {
  const entries = ["a", "b"].map((id) => ({ url: `https://media.example.com/${id}`, id, title: id }));
  return { kind: "list", title: "A list", entries, truncated: false };
}

export interface TestNode extends TestSession {
  node: RunningNode;
  workRoot: string;
  /** Folders of attempts that are there now. */
  folders(): Promise<string[]>;
  /** Resolves when all loops have ended. */
  ended: Promise<void>;
}

export async function startNode(
  edge: FakeEdge,
  media: Partial<MediaDeps>,
  clock: { now?: () => number } = {},
): Promise<TestNode> {
  const opened = newSession(edge);
  const workRoot = await testDir("work");
  const egress = await startEgressProxy({ allowPrivate: true });
  closing.push(() => egress.close());
  const tool = { command: ["/bin/false"], version: "7.1", env: {} };
  const node = new RunningNode({
    ...clock,
    session: opened.session,
    slots: { download: 2, live: 4 },
    media: { ytdlp: fakeYtDlp(endless), ffmpeg: tool, ffprobe: tool, ...media },
    egress,
    workRoot,
    figures: opened.figures,
    log: (_, event, fields = {}) => void opened.events.push({ event, fields }),
  });
  const ended = node.run(await opened.session.get());
  closing.push(async () => {
    await node.stop("lost");
    opened.stop();
    await ended;
  });
  return { ...opened, node, workRoot, folders: () => foldersOf(workRoot), ended };
}

/** The attempts' folders; what is noted of one lies in a file beside it. */
async function foldersOf(workRoot: string): Promise<string[]> {
  const found = await readdir(workRoot, { withFileTypes: true });
  return found.filter((one) => one.isDirectory()).map(({ name }) => name);
}
