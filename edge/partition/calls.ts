/**
 * Interactive calls in flight: the question goes over a node's socket, the answer comes by HTTP. In memory on purpose:
 * whoever asked holds the deadline and asks again if this object was restarted.
 */
import { CALL_FEATURES, type CallAnswer, type CallRequest } from "../../shared/contract/calls.ts";
import { featureTag } from "../../shared/contract/fleet.ts";
import { leasesRunFrom, ONLINE } from "./absence.ts";
import type { Sql } from "./sql.ts";

/** Nodes of each kind that a question may go to. */
const MAX_CANDIDATES = 64;

export type CallOutcome =
  | { kind: "answer"; node: string; answer: CallAnswer }
  | { kind: "no_node" }
  /** The node did not answer in time, or its socket closed. */
  | { kind: "silent"; node: string };

export interface CallsDeps {
  sql: Sql;
  now: () => number;
  newId: () => string;
  /** False when the node has no open socket. */
  send(node: string, frame: { type: "call"; call: string; deadline_ms: number; request: CallRequest }): boolean;
}

interface Pending {
  node: string;
  resolve(outcome: CallOutcome): void;
}

export class Calls {
  readonly #deps: CallsDeps;
  readonly #pending = new Map<string, Pending>();

  constructor(deps: CallsDeps) {
    this.#deps = deps;
  }

  /**
   * Asks the least busy node that may serve the account and is not among the excluded.
   *
   * @param waitMs how long this node may stay silent while another one could be asked.
   * @param lastMs how long it may if it is the only one.
   */
  async ask(
    account: string,
    request: CallRequest,
    waitMs: number,
    lastMs: number,
    exclude: readonly string[],
  ): Promise<CallOutcome> {
    const candidates = this.#candidates(account, exclude, CALL_FEATURES[request.kind]);
    const patience = candidates.length > 1 ? waitMs : lastMs;
    for (const node of candidates) {
      const call = this.#deps.newId();
      const { promise, resolve } = Promise.withResolvers<CallOutcome>();
      this.#pending.set(call, { node, resolve });
      if (!this.#deps.send(node, { type: "call", call, deadline_ms: patience, request })) {
        this.#pending.delete(call);
        continue;
      }
      const timer = setTimeout(() => resolve({ kind: "silent", node }), patience);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        this.#pending.delete(call);
      }
    }
    return { kind: "no_node" };
  }

  /** False when nobody waits for this call any more. Only the node that was asked may answer. */
  answer(node: string, call: string, answer: CallAnswer): boolean {
    const pending = this.#pending.get(call);
    if (pending === undefined || pending.node !== node) return false;
    pending.resolve({ kind: "answer", node, answer });
    return true;
  }

  /** A node's socket is gone: what was asked over it will not be answered in time. */
  nodeGone(node: string): void {
    for (const pending of this.#pending.values()) {
      if (pending.node === node) pending.resolve({ kind: "silent", node });
    }
  }

  /**
   * Online nodes that may serve the account, its own first, the least asked first, then those with the most free slots, of those
   * that were heard last; with the feature that a question wants. Uses session_own(account_id) and session_lease(lease_until).
   */
  #candidates(account: string, exclude: readonly string[], feature: string | null): string[] {
    const { sql, now } = this.#deps;
    const asked = Map.groupBy(this.#pending.values(), (pending) => pending.node);
    const from = leasesRunFrom(sql, now());
    const tag = feature === null ? null : featureTag(feature);
    const find = (whose: string) =>
      sql.all<{ node_id: string; account_id: string | null; free: number }>(
        `SELECT node_id, account_id, json_extract(slots, '$.download') AS free FROM sessions
         WHERE ${ONLINE} AND node_id NOT IN (SELECT value FROM json_each(?)) AND ${whose}
         AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)) ORDER BY lease_until DESC LIMIT ${MAX_CANDIDATES}`,
        from,
        JSON.stringify(exclude),
        account,
        tag,
        tag,
      );
    const own = find("account_id = ?");
    const shared = find("account_id IS NULL AND NOT EXISTS (SELECT 1 FROM accounts WHERE id = ? AND pool = 'own')");
    return [...own, ...shared]
      .toSorted(
        (a, b) =>
          Number(b.account_id !== null) - Number(a.account_id !== null) ||
          (asked.get(a.node_id)?.length ?? 0) - (asked.get(b.node_id)?.length ?? 0) ||
          b.free - a.free,
      )
      .map((row) => row.node_id);
  }
}
