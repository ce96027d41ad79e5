/** The repeat column of jobs API 12, row by row: which node gets the job next, how often, and when it is over. */
import { describe, expect, it } from "vitest";
import { runDue } from "../../edge/partition/reap.ts";
import { enterSession, type NodeIdentity } from "../../edge/partition/sessions.ts";
import { FAILURE_RULES, type FailureClass } from "../../shared/contract/failures.ts";
import { id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const JOB = id(1);
const ANN = identity("n1", { country: "DE" });
const BEN = identity("n2", { country: "DE" });
const CAT = identity("n3", { country: "FR" });
const DOT = identity("n4", { country: "US" });
const EVE = identity("n5");

/** Time goes by, and what is due happens; the nodes are heard all the while. */
function wait(harness: Harness, forMs: number, online: readonly NodeIdentity[]): void {
  harness.now += forMs;
  harness.run((turn) => {
    turn.sql.run("UPDATE sessions SET last_seen = ?, lease_until = ?", turn.now, turn.now + MINUTE);
    for (const who of online) enterSession(turn, who);
  });
  harness.run((turn) => runDue(turn, { lastHandledAt: turn.now, dueAt: turn.now }));
}

/**
 * Who gets the job after each of these failures, in the order of asking; the list ends with the job. Nobody that asks is
 * given it: the job waits.
 */
function course(online: readonly NodeIdentity[], failures: readonly FailureClass[], options: { tags?: string[] } = {}) {
  const harness = new Harness();
  harness.run((turn) => {
    for (const who of online) enterSession(turn, who);
  });
  harness.create(JOB, options);
  const got: string[] = [];
  for (const failure of failures) {
    const who = online.find((one) => harness.lease(one).includes(JOB));
    if (who === undefined) break;
    got.push(who.node);
    harness.confirm(JOB, who);
    harness.fail(JOB, failure);
    // Longer than a back-off, shorter than the patience after a bot check.
    wait(harness, 5 * MINUTE, online);
  }
  const next = online.find((one) => harness.lease(one).includes(JOB));
  const { state } = harness.job(JOB);
  return `${got.join(" ")} → ${next?.node ?? state}`;
}

const times = (count: number, failure: FailureClass) => Array<FailureClass>(count).fill(failure);

describe("after a failure", () => {
  it.each<[string, NodeIdentity[], FailureClass[], string]>([
    ["bot: always another node, three in all", [ANN, BEN, CAT, DOT], times(4, "bot"), "n1 n2 n3 → failed"],
    ["bot: nobody else, so it waits", [ANN], times(2, "bot"), "n1 → queued"],
    ["rate: another node first, five in all", [ANN, BEN], times(6, "rate"), "n1 n2 n1 n2 n1 → failed"],
    ["rate: the same one if it is alone", [ANN], times(6, "rate"), "n1 n1 n1 n1 n1 → failed"],
    ["geo: two nodes in other countries", [ANN, BEN, CAT, DOT], times(4, "geo"), "n1 n3 n4 → warning"],
    ["geo: only as many as there are", [ANN, BEN, CAT], times(4, "geo"), "n1 n3 → warning"],
    ["geo: an unknown country is no other one", [ANN, EVE], times(2, "geo"), "n1 → warning"],
    [
      "geo, met where the country is unknown: known ones only",
      [EVE, identity("n6"), CAT],
      times(2, "geo"),
      "n5 n3 → warning",
    ],
    ["private: no", [ANN, BEN], times(2, "private"), "n1 → warning"],
    ["removed: no", [ANN, BEN], times(2, "removed"), "n1 → warning"],
    ["unsupported: no", [ANN, BEN], times(2, "unsupported"), "n1 → warning"],
    ["list: no", [ANN, BEN], times(2, "list"), "n1 → warning"],
    ["not begun: no, without wait_for_video", [ANN, BEN], times(2, "not_begun"), "n1 → warning"],
    ["DRM: no", [ANN, BEN], times(2, "drm"), "n1 → skipped"],
    ["network: another node from the third, five in all", [ANN, BEN], times(6, "network"), "n1 n1 n2 n1 n2 → failed"],
    ["network: the same one if it is alone", [ANN], times(6, "network"), "n1 n1 n1 n1 n1 → failed"],
    ["storage: five, any node", [ANN, BEN], times(6, "storage"), "n1 n1 n1 n1 n1 → failed"],
    ["lost: another node, the third is final", [ANN, BEN, CAT], times(4, "lost"), "n1 n2 n3 → failed"],
    ["disk: three nodes in all", [ANN, BEN, CAT, DOT], times(4, "disk"), "n1 n2 n3 → failed"],
    ["timeout: once, on another node", [ANN, BEN, CAT], times(3, "timeout"), "n1 n2 → failed"],
    ["too large: no", [ANN, BEN], times(2, "too_large"), "n1 → failed"],
    ["media: once, on another node", [ANN, BEN, CAT], times(3, "media"), "n1 n2 → failed"],
    ["clip: no", [ANN, BEN], times(2, "clip"), "n1 → failed"],
  ])("%s", (_title, online, failures, expected) => {
    expect(course(online, failures)).toBe(expected);
  });

  it.each<[string, NodeIdentity[], FailureClass[], string]>([
    ["a node that a site took for a robot stays out", [ANN, BEN], ["bot", "network", "network"], "n1 n2 n2 → n2"],
    ["so does a country that was refused", [ANN, CAT], ["geo", "network", "network"], "n1 n3 n3 → n3"],
    ["whoever only lost it may have it after a bot check", [ANN, BEN], ["lost", "bot"], "n1 n2 → n1"],
    ["of those that may, the one that did not fail last is first", [ANN, BEN, CAT], ["bot", "media"], "n1 n2 → n3"],
    [
      "five tries of all classes together",
      [ANN, BEN, CAT],
      ["network", "rate", "disk", "storage", "media"],
      "n1 n1 n2 n3 n1 → failed",
    ],
  ])("of several classes: %s", (_title, online, failures, expected) => {
    expect(course(online, failures)).toBe(expected);
  });

  it("by geo-block asks only nodes that could run the job at all", () => {
    const french = identity("n3", { country: "FR" });
    const german = identity("n1", { country: "DE", tags: ["region=eu"] });
    expect(course([german, french], ["geo"], { tags: ["region=eu"] })).toBe("n1 → warning");
  });

  it("by bot check waits at most a quarter of an hour for another node, and then says why it ended", () => {
    const harness = new Harness();
    harness.create(JOB);
    harness.start(JOB, ANN);
    harness.fail(JOB, "bot");
    wait(harness, 14 * MINUTE, [ANN]);
    expect(harness.job(JOB).state).toBe("queued");
    wait(harness, 2 * MINUTE, [ANN]);
    expect(harness.job(JOB)).toMatchObject({ state: "failed", error: FAILURE_RULES.bot.text, error_type: "error" });
  });
});
