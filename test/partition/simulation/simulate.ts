/** One run: some minutes of chaos, then calm, until everything has ended; every step is checked. */
import { resolveCore } from "../../../edge/partition/turn.ts";
import { START } from "../fixtures.ts";
import { Clients } from "./clients.ts";
import { CORE, type CoreApi } from "./core-api.ts";
import { Desk } from "./desk.ts";
import { checkEnd, isSettled } from "./end-checks.ts";
import { Host } from "./host.ts";
import { frame } from "./network.ts";
import { Operator } from "./operator.ts";
import { ACCOUNTS, tenantsOf } from "./tenants.ts";
import { VirtualNode } from "./virtual-node.ts";
import { Watcher } from "./watcher.ts";
import { Violation, World } from "./world.ts";

const MINUTE = 60_000;
const CHAOS_MS = 12 * MINUTE;
/** By then everything has ended: five tries, back-offs and waits for other nodes of 15 min each. */
const CALM_MS = 4 * 60 * MINUTE;
const MAX_STEPS = 150_000;
const JOBS = 24;
const PAUSES = 3;

export interface RunResult {
  seed: number;
  steps: number;
  checks: number;
  jobs: number;
  /** Null: all promises were kept. */
  violation: Violation | null;
  notes: string[];
}

const NODES = [
  { id: "n1", tags: ["region=eu"], country: "DE", account: null, slots: 3 },
  { id: "n2", tags: [], country: "US", account: null, slots: 2 },
  { id: "n3", tags: ["region=eu"], country: null, account: null, slots: 1 },
  { id: "n4", tags: [], country: "DE", account: "ann", slots: 2 },
  { id: "n5", tags: ["region=eu"], country: "SE", account: "dan", slots: 2 },
];

export async function simulate(seed: number, api: CoreApi = CORE): Promise<RunResult> {
  const config = resolveCore({ deadlineMs: 5 * MINUTE, maxPerHost: 2, maxPending: 12, maxReady: 16 });
  const world = new World({ seed, api, config, accounts: ACCOUNTS, start: START });
  const watcher = new Watcher(world);
  const nodes = new Map<string, VirtualNode>();
  const host = new Host(world, watcher, {
    ring: () => {
      for (const node of nodes.values()) frame(world, () => node.ring());
    },
    kill: (node, job, token) => frame(world, () => nodes.get(node)?.kill(job, token)),
  });
  const desk = new Desk(host);
  // The first may run nearly everything: whoever else is there, jobs end.
  for (const setup of NODES.filter((_, index) => index === 0 || world.random.chance(0.55))) {
    nodes.set(setup.id, new VirtualNode(world, host, desk, setup));
  }
  const clients = new Clients(world, host, tenantsOf(NODES.filter((setup) => nodes.has(setup.id))));
  const operator = new Operator(world, host, [...nodes.keys()]);
  let violation: Violation | null = null;
  try {
    await host.start();
    plan(world, host, nodes, clients, operator);
    operator.attend();
    await play(world, host);
    checkEnd(world, host, watcher, clients);
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation(`it threw: ${(error as Error).stack ?? error}`);
  }
  const { steps } = world;
  return { seed, steps, checks: watcher.checks, jobs: clients.acknowledged.size, violation, notes: world.notes() };
}

function plan(
  world: World,
  host: Host,
  nodes: ReadonlyMap<string, VirtualNode>,
  clients: Clients,
  operator: Operator,
): void {
  const { random, timeline, weather } = world;
  for (let job = 0; job < JOBS; job++) timeline.in(random.ms(0, CHAOS_MS), () => clients.create());
  for (let pause = 0; pause < PAUSES; pause++) timeline.in(random.ms(0, CHAOS_MS), () => clients.pause());
  for (const node of nodes.values()) {
    timeline.in(random.ms(0, 20_000), () => node.start());
    world.strike(weather.nodeCrashEveryMs, () => node.crash(random.ms(500, 2 * MINUTE)));
    world.strike(weather.nodeFreezeEveryMs, () => node.freeze(random.ms(5_000, 3 * MINUTE)));
    world.strike(weather.nodeDrainEveryMs, () => node.drain());
    world.strike(weather.nodePriesEveryMs, () => node.pry());
  }
  world.strike(weather.operatorDrainsEveryMs, () => operator.drain());
  world.strike(weather.evictEveryMs, () => host.evict());
  world.strike(weather.awayEveryMs, () => host.away(random.ms(1_000, 4 * MINUTE)));
  world.strike(weather.freezeEveryMs, () => host.freeze(random.ms(1_000, 4 * MINUTE)));
  world.strike(weather.wipeEveryMs, () => host.wipe());
  world.strike(weather.sleepEveryMs, () => {
    const ms = random.ms(10_000, 60 * MINUTE);
    world.note(`all asleep for ${ms}`);
    host.watcher.edgeAway(world.now, world.now + ms, "stood still");
    timeline.jump(ms);
  });
  world.strike(weather.foreignEveryMs, () => {
    const { store_prefix } = random.pick(world.accounts);
    world.store.putForeign(`${store_prefix}videos/${random.pick(["One", "Two", "Named"])}.mp4`);
  });
  timeline.in(CHAOS_MS, () => {
    world.note("calm");
    world.calmDown();
    for (const node of nodes.values()) node.heal();
    clients.startForgotten();
  });
}

async function play(world: World, host: Host): Promise<void> {
  let end: number | null = null;
  for (;;) {
    const happening = world.timeline.next();
    if (happening === null) throw new Violation("time stands still");
    const pending = happening();
    if (pending !== undefined) await pending;
    world.steps++;
    if (world.chaos) continue;
    end ??= world.now + CALM_MS;
    if (isSettled(host)) return;
    if (world.now > end) throw new Violation(`everything ends: ${unfinished(host)}`);
    if (world.steps > MAX_STEPS) throw new Violation(`a run has a bounded number of steps: ${unfinished(host)}`);
  }
}

function unfinished(host: Host): string {
  if (!host.isUp) return "the object is down";
  return JSON.stringify([
    host.core.sql.all("SELECT id, state, node_id, attempt, tags, avoid, tries FROM jobs"),
    host.core.sql.all("SELECT * FROM uploads"),
    host.core.sql.all("SELECT * FROM batches"),
    host.core.sql.all("SELECT * FROM cursors"),
  ]);
}
