/** What follows from a failure (jobs API 12): pure, and by the table alone. */
import { FAILURE_RULES, type FailureClass, type FailureRule } from "../../shared/contract/failures.ts";
import { COOL_DOWN_MS, MAX_TRIES_TOTAL } from "../../shared/limits.ts";
import type { Tries } from "./job-row.ts";

export interface FailureFacts {
  class: FailureClass;
  /** Counted before this failure. */
  tries: Tries;
  /** The node (or the storage) says that a repeat cannot help. */
  permanent: boolean;
  retryAfterMs: number | null;
}

export interface BackoffRule {
  baseMs: number;
  maxMs: number;
}

export type Decision =
  | { kind: "end"; rule: FailureRule; tries: Tries }
  | {
      kind: "repeat";
      rule: FailureRule;
      tries: Tries;
      notBefore: number;
      /** How the nodes that failed are treated at the next hand-out; null: they may have it again. */
      avoid: "prefer" | "only" | "countries" | null;
    };

/** Random up to min(max, base × 3^n); at least 1 ms, so that a repeat is never due in the very run that decided it. */
export function backoffMs(triesSoFar: number, rule: BackoffRule, random: () => number): number {
  return 1 + Math.floor(random() * (Math.min(rule.maxMs, rule.baseMs * 3 ** triesSoFar) - 1));
}

/** How long to leave a site alone that asked for it: by its `Retry-After`, but no back-off outlasts the longest one. */
export function restMs(retryAfterMs: number | null, rule: BackoffRule): number {
  return retryAfterMs === null ? COOL_DOWN_MS : Math.min(retryAfterMs, rule.maxMs);
}

export function decideFailure(facts: FailureFacts, now: number, rule: BackoffRule, random: () => number): Decision {
  const policy = FAILURE_RULES[facts.class];
  const count = (facts.tries[facts.class] ?? 0) + 1;
  const tries: Tries = { ...facts.tries, [facts.class]: count };
  const over = facts.class !== "node_fault" && triesOfJob(tries) >= MAX_TRIES_TOTAL;
  if (facts.permanent || count >= policy.tries || over) return { kind: "end", rule: policy, tries };
  const wait = facts.class === "rate" ? restMs(facts.retryAfterMs, rule) : backoffMs(count, rule, random);
  return { kind: "repeat", rule: policy, tries, notBefore: now + wait, avoid: avoidMode(policy, count) };
}

/** A fault of its node is no try of the job's: it has a count of its own. */
function triesOfJob({ node_fault: _, ...tries }: Tries): number {
  return Object.values(tries).reduce((sum, each) => sum + each, 0);
}

function avoidMode(policy: FailureRule, count: number): "prefer" | "only" | "countries" | null {
  switch (policy.next) {
    case "any":
      return null;
    case "other_preferred":
      return "prefer";
    case "other_only":
      return "only";
    case "other_country":
      return "countries";
    case "other_from_third":
      // "another node from the third": the second try may still be on the same one.
      return count >= 2 ? "prefer" : null;
  }
}
