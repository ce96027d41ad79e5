/**
 * What the recovery matrix is made of: where an attempt is stopped, and what happens to it there. Nothing in the product
 * knows of it: an attempt stops because a call of its node, or an answer to it, is held on the way (`harness/gate.ts`).
 */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { atEnd } from "../e2e/harness/at-end.ts";
import { eventually } from "../e2e/harness/eventually.ts";
import { type ExtraNode, startNode } from "../e2e/harness/extra-node.ts";
import type { Gate, GateHold } from "../e2e/harness/gate.ts";
import { processesOf, signal } from "../e2e/harness/processes.ts";
import type { Stack } from "../e2e/harness/stack.ts";
import type { Origin } from "../origin/server.ts";

/** Two nodes and a job: the victim has it first, the other one only when it is let. */
export interface Scene {
  stack: Stack;
  origin: Origin;
  gate: Gate;
  victim: ExtraNode;
  other: ExtraNode;
  /** A word of its own. */
  key: string;
  /** Makes the job from this source. */
  create(url: string): Promise<string>;
  /** Its exit, once it has been told to stop. */
  exit?: Promise<number | null>;
}

/** A job that has come to its step and stays there. */
export interface Halted {
  job: string;
  /** What was held goes its way. */
  release(): void;
  /** What was held is lost, as the line or the sender is; sources answer again. */
  drop(): void;
}

export const STEPS = {
  offered: (scene) => atCall(scene, "/confirm", "before"),
  confirmed: (scene) => atCall(scene, "/confirm", "after"),
  extracting: (scene) => atFirstRequest(scene),
  extracted: (scene) => atCall(scene, "/extracted", "before"),
  downloading: (scene) => atDownload(scene),
  // Three parts at once; of the second one nobody has heard that it is there.
  "part 2 uploaded": (scene) =>
    atCall(scene, /\/_store\/u\/[0-9a-f]+\/2\?/, "after", `padded/${20 * 1_048_576}/vertical.mp4`),
  "before complete": (scene) => atCall(scene, "/complete", "before"),
  "complete unanswered": (scene) => atCall(scene, "/complete", "after"),
  finishing: (scene) => atCommit(scene),
  draining: async (scene) => {
    const halted = await atDownload(scene);
    scene.exit = scene.victim.stop("SIGTERM");
    await scene.victim.log.waitFor("node.draining");
    return halted;
  },
} satisfies Record<string, (scene: Scene) => Promise<Halted>>;

export type Step = keyof typeof STEPS;

async function atCall(
  scene: Scene,
  path: string | RegExp,
  when: "before" | "after",
  source = "vertical.mp4",
): Promise<Halted> {
  const hold: GateHold = scene.gate.hold(path, when);
  const job = await scene.create(`${scene.origin.url}/${source}`);
  await hold.reached;
  return { job, release: () => hold.release(), drop: () => hold.drop() };
}

/** The look: the very first request for the source gets no answer. */
async function atFirstRequest(scene: Scene): Promise<Halted> {
  const door = await startDoor(scene.origin.url);
  const job = await scene.create(`${door.url}/vertical.mp4`);
  await door.knocked;
  return { job, release: door.open, drop: door.open };
}

async function atDownload({ origin, key, create }: Scene): Promise<Halted> {
  const job = await create(`${origin.url}/hold/${key}/video-360.mp4`);
  await origin.waitForHeld(key, 2);
  const release = () => origin.release(key);
  return { job, release, drop: release };
}

/** The completion is taken and the node has heard so; the disk store lives in the host, which stands still. */
async function atCommit(scene: Scene): Promise<Halted> {
  const { stack, victim } = scene;
  const halted = await atCall(scene, "/complete", "before");
  const host = stack.hostPid;
  signal(host, "SIGSTOP");
  atEnd(() => signal(host, "SIGCONT"));
  halted.release();
  await victim.log.waitFor("attempt.ended", (event) => event.job === halted.job);
  const release = () => signal(host, "SIGCONT");
  return { job: halted.job, release, drop: release };
}

/** Before the source: nothing passes until it is opened. */
export async function startDoor(to: string): Promise<{ url: string; knocked: Promise<void>; open: () => void }> {
  const knocked = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const server = createServer(async (call, answer) => {
    knocked.resolve();
    await opened.promise;
    const out = request(to + call.url, { method: call.method, headers: call.headers, agent: false }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    out.on("error", () => answer.destroy());
    call.pipe(out);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    opened.resolve();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, knocked: knocked.promise, open: opened.resolve };
}

export interface Fault {
  /** Whom it hits: the node, the edge, or both. */
  hits: "node" | "edge" | "all";
  strike(scene: Scene, halted: Halted): Promise<void>;
  /** What brings the node back, when another one has done its work. */
  heal(scene: Scene, halted: Halted): Promise<void>;
}

const nothing = async (): Promise<void> => {};

export const FAULTS = {
  "the node is killed": {
    hits: "node",
    async strike({ stack, victim }, { drop }) {
      await stack.kill(victim.pid);
      drop();
    },
    // At its next start it clears what it has left.
    heal: async ({ stack, gate }) => void (await startNode(stack, "victim", { edge: gate.url })),
  },
  "the node is frozen past its lease": {
    hits: "node",
    strike: async ({ victim }) => signal(victim.pid, "SIGSTOP"),
    // What it was sent meanwhile is at hand, and it goes on as if nothing had been.
    async heal({ victim }, { release }) {
      release();
      signal(victim.pid, "SIGCONT");
    },
  },
  "the node is cut off": {
    hits: "node",
    async strike({ gate }, { drop }) {
      gate.cut();
      drop();
    },
    heal: async ({ gate }) => gate.mend(),
  },
  "workerd is killed": {
    hits: "edge",
    async strike({ stack }, { release }) {
      const { mark } = stack.log;
      await stack.kill(await stack.workerdPid());
      release();
      await stack.log.waitFor("workerd.restarted", undefined, mark);
    },
    heal: nothing,
  },
  "the host is killed": {
    hits: "edge",
    async strike({ stack }, { release }) {
      const workerd = await stack.workerdPid();
      await stack.kill(stack.hostPid, workerd);
      release();
      await stack.up();
    },
    heal: nothing,
  },
  "everything is killed": {
    hits: "all",
    async strike({ stack, gate }, { drop }) {
      await stack.kill(...processesOf(stack.root).map((each) => each.pid));
      drop();
      await stack.up();
      await startNode(stack, "victim", { edge: gate.url });
    },
    heal: nothing,
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

interface Listed {
  id: string;
  name: string;
  state: string;
  last_seen: number;
  reason: string | null;
}

export async function admin<Body>(stack: Stack, method: string, path: string, body?: object): Promise<Body> {
  const headers = { authorization: `Bearer ${stack.adminToken}` };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(stack.url + path, { method, headers, ...sent });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}`);
  return (await answer.json()) as Body;
}

export async function listed(stack: Stack, name: string): Promise<Listed> {
  const { nodes } = await admin<{ nodes: Listed[] }>(stack, "GET", "/admin/nodes");
  const node = nodes.find((each) => each.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
}

/** Only a node that takes no work is sure to leave a job to another. */
export async function order(stack: Stack, name: string, what: "drain" | "resume"): Promise<void> {
  await admin(stack, "POST", `/admin/nodes/${(await listed(stack, name)).id}/${what}`);
}

/** Its lease has ended: nobody believes any more that it runs anything. */
export async function offline(stack: Stack, name: string): Promise<void> {
  await eventually(
    async () => (await listed(stack, name)).state === "offline",
    () => `the end of the lease of ${name}`,
    30_000,
  );
}
