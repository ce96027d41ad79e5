/**
 * Every named step of an attempt × every fault: the job ends once, with one file and one outcome, and nothing is left.
 * Sixty rows of some fifteen seconds each on two busy cores; `-t "^finishing, and"` runs those of one step.
 */
import { beforeAll, expect, test } from "vitest";
import { Receiver } from "../e2e/clients/receiver.ts";
import { atEnd } from "../e2e/harness/at-end.ts";
import { doneOnce, downloadsAreClean, noStrays } from "../e2e/harness/clean.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { startGate } from "../e2e/harness/gate.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";
import { FAULTS, type Fault, type FaultName, offline, order, type Scene, STEPS, type Step } from "./recovery.ts";

let origin: Origin;
let receiver: Receiver;
let count = 0;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  receiver = await Receiver.open();
  atEnd(() => receiver.close());
});

async function setScene(): Promise<Scene> {
  const key = `case-${++count}`;
  const stack = await Stack.start({ slots: 0 });
  const gate = await startGate(stack.url, { parts: true });
  const [victim, other] = [await startNode(stack, "victim", { edge: gate.url }), await startNode(stack, "other")];
  await order(stack, "other", "drain");
  const create = (url: string) => stack.api.create({ url, filename: key, webhook_url: `${receiver.url}/fine/${key}` });
  return { stack, origin, gate, victim, other, key, create };
}

/** From here on the completion is taken: the attempt has won, whatever becomes of its node. */
const WON: readonly Step[] = ["complete unanswered", "finishing"];

/** The node waits for the answer to its confirm, and no longer than the offer lasts. */
const UNSURE: readonly Step[] = ["offered", "confirmed"];

/** Who delivers it, and what becomes of its hand-outs. */
function expected(step: Step, hits: Fault["hits"]): { node: string; outcomes: string[] } {
  if (hits === "edge" || WON.includes(step)) return { node: "victim", outcomes: ["completed"] };
  const node = hits === "node" ? "other" : "victim";
  // What was never confirmed was never handed out.
  return { node, outcomes: step === "offered" ? ["completed"] : ["lost", "completed"] };
}

/** All that a receiver heard of the job's end bears one id. */
async function oneOutcome(key: string): Promise<void> {
  const received = await receiver.until(key, (all) => all.length > 0);
  const outcomes = received.map(({ body, headers }) => `${String(body.type)} ${String(headers["webhook-id"])}`);
  expect(new Set(outcomes).size, outcomes.join("\n")).toBe(1);
  expect(outcomes[0]).toMatch(/^job_completed /);
}

const ROWS = Object.keys(STEPS).flatMap((step) =>
  Object.keys(FAULTS).map((fault) => [step as Step, fault as FaultName] as const),
);

test.each(ROWS)("%s, and %s", async (step, name) => {
  const fault: Fault = FAULTS[name];
  const scene = await setScene();
  const { stack } = scene;
  const halted = await STEPS[step](scene);
  await fault.strike(scene, halted);
  if (fault.hits === "node") {
    await offline(stack, "victim");
    // A source that was held is held no more, for nobody; what is held of the frozen node's own calls stays so.
    if (["extracting", "downloading", "draining", "finishing"].includes(step)) halted.release();
    await order(stack, "other", "resume");
  }
  await stack.api.finished(halted.job);
  await fault.heal(scene, halted);

  const job = await doneOnce(stack, halted.job);
  const { node, outcomes } = expected(step, fault.hits);
  const ended = (await attemptsOf(stack, halted.job)).map((each) => each.outcome);
  // A node that cannot tell whether its confirm was taken gives the job back: no try is counted.
  const counted = UNSURE.includes(step) ? ended.filter((outcome) => outcome !== "released") : ended;
  expect([job.node_id, counted]).toEqual([node, outcomes]);
  await oneOutcome(scene.key);
  // A node that was told to stop has kept its word, unless it was killed.
  if (scene.exit !== undefined && name !== "the node is killed" && fault.hits !== "all") {
    expect(await scene.exit).toBe(0);
  }
  await noStrays(stack);
  await downloadsAreClean(stack, [job]);
});

test("no receiver has heard of a second outcome later on", async () => {
  for (let n = 1; n <= count; n++) await oneOutcome(`case-${n}`);
});
