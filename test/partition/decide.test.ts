import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, decideFailure } from "../../edge/partition/decide.ts";
import { FAILURE_CLASSES, FAILURE_RULES, type FailureClass } from "../../shared/contract/failures.ts";
import { BACKOFF_BASE_MS, BACKOFF_MAX_MS, COOL_DOWN_MS, MAX_TRIES_TOTAL } from "../../shared/limits.ts";

const RULE = { baseMs: BACKOFF_BASE_MS, maxMs: BACKOFF_MAX_MS };

/** Jobs API 12, written out a second time: class, status, error_type, tries in all, nodes for the next try. */
const TABLE: [FailureClass, string, string, number, (null | "prefer" | "only" | "countries")[]][] = [
  ["bot", "Failed", "error", 3, ["only", "only"]],
  ["rate", "Failed", "error", 5, ["prefer", "prefer", "prefer", "prefer"]],
  ["geo", "Warning", "warning", 3, ["countries", "countries"]],
  ["private", "Warning", "warning", 1, []],
  ["removed", "Warning", "warning", 1, []],
  ["unsupported", "Warning", "warning", 1, []],
  ["list", "Warning", "warning", 1, []],
  ["not_begun", "Warning", "warning", 1, []],
  ["drm", "Skipped", "warning", 1, []],
  ["network", "Failed", "error", 5, [null, "prefer", "prefer", "prefer"]],
  ["storage", "Failed", "error", 5, [null, null, null, null]],
  ["lost", "Failed", "error", 3, ["prefer", "prefer"]],
  ["disk", "Failed", "error", 3, ["prefer", "prefer"]],
  ["timeout", "Failed", "error", 2, ["prefer"]],
  ["too_large", "Failed", "error", 1, []],
  ["quota", "Failed", "error", 1, []],
  ["media", "Failed", "error", 2, ["prefer"]],
  ["node_fault", "Failed", "error", 10, Array(9).fill("prefer")],
  ["clip", "Failed", "error", 1, []],
  ["cancelled", "Failed", "error", 1, []],
];

describe("a failure of class", () => {
  it("is named in the table exactly once", () => {
    expect(TABLE.map(([name]) => name).toSorted()).toEqual([...FAILURE_CLASSES].toSorted());
  });

  it.each(TABLE)("%s ends %s (%s) after %i tries", (failure, status, errorType, tries, avoid) => {
    let counted = {};
    for (const [index, mode] of avoid.entries()) {
      const facts = { class: failure, tries: counted, permanent: false, retryAfterMs: null };
      const decision = decideFailure(facts, 1_000, RULE, () => 0.5);
      expect(decision).toMatchObject({ kind: "repeat", avoid: mode, tries: { [failure]: index + 1 } });
      counted = decision.tries;
    }
    const last = decideFailure(
      { class: failure, tries: counted, permanent: false, retryAfterMs: null },
      1_000,
      RULE,
      () => 0.5,
    );
    expect(last.kind).toBe("end");
    expect(last.tries).toEqual({ [failure]: tries });
    expect(last.rule).toMatchObject({ status, error_type: errorType });
    expect(FAILURE_RULES[failure].text).not.toBe("");
  });
});

const tries = fc.dictionary(fc.constantFrom(...FAILURE_CLASSES), fc.integer({ min: 0, max: 4 }));

describe("decideFailure", () => {
  it("never repeats what is permanent, nor beyond five tries of all classes together; faults of nodes have a count of their own", () => {
    fc.assert(
      fc.property(fc.constantFrom(...FAILURE_CLASSES), tries, fc.boolean(), (failure, before, permanent) => {
        const facts = { class: failure, tries: before, permanent, retryAfterMs: null };
        const decision = decideFailure(facts, 0, RULE, () => 0.99);
        const { node_fault: faults = 0, ...own } = decision.tries;
        const total = Object.values(own).reduce((sum, each) => sum + each, 0);
        const over = failure === "node_fault" ? faults >= FAILURE_RULES.node_fault.tries : total >= MAX_TRIES_TOTAL;
        if (permanent || over) expect(decision.kind).toBe("end");
        expect(total + faults).toBe(Object.values(before).reduce((sum, each) => sum + each, 1));
      }),
    );
  });

  it("waits as long as the source asked, else a minute, when it is rate limited", () => {
    const facts = { class: "rate" as const, tries: {}, permanent: false };
    expect(decideFailure({ ...facts, retryAfterMs: 7_000 }, 100, RULE, () => 0)).toMatchObject({ notBefore: 7_100 });
    expect(decideFailure({ ...facts, retryAfterMs: null }, 100, RULE, () => 0)).toMatchObject({
      notBefore: 100 + COOL_DOWN_MS,
    });
    // No back-off outlasts the longest one, whatever a site says.
    expect(decideFailure({ ...facts, retryAfterMs: 24 * 60 * 60_000 }, 100, RULE, () => 0)).toMatchObject({
      notBefore: 100 + RULE.maxMs,
    });
  });
});

describe("the back-off", () => {
  it("lies between 0 and min(15 min, 5 s × 3^n), whatever the dice say", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (n, draw) => {
          const wait = backoffMs(n, RULE, () => draw);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(Math.min(15 * 60_000, 5_000 * 3 ** n));
          expect(Number.isInteger(wait)).toBe(true);
        },
      ),
    );
  });

  it("grows with the tries until it reaches its limit", () => {
    const longest = [1, 2, 3, 4, 5].map((n) => backoffMs(n, RULE, () => 0.999_999));
    expect(longest).toEqual([14_999, 44_999, 134_999, 404_999, 899_999]);
  });
});
