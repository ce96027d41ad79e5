/**
 * Interactive calls in flight: the question goes over a node's socket, the answer comes by HTTP. In memory on purpose:
 * whoever asked holds the deadline and asks again if this object was restarted.
 */
import type { CallAnswer, CallRequest } from "../../shared/contract/calls.ts";
import { leasesRunFrom } from "./absence.ts";
import type { Sql } from "./sql.ts";

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
    const candidates = this.#candidates(account, exclude);
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

  /** Online nodes that may serve the account, its own first, the least asked first, then those with the most free slots. */
  #candidates(account: string, exclude: readonly string[]): string[] {
    const asked = Map.groupBy(this.#pending.values(), (pending) => pending.node);
    return this.#deps.sql
      .all<{ node_id: string; account_id: string | null; free: number }>(
        `SELECT s.node_id, s.account_id, json_extract(s.slots, '$.download') AS free FROM sessions s
         LEFT JOIN accounts a ON a.id = ?1
         WHERE s.lease_until >= ?2 AND s.state = 'running' AND (s.account_id = ?1 OR (s.account_id IS NULL AND coalesce(a.pool, '') <> 'own'))
           AND s.node_id NOT IN (SELECT value FROM json_each(?3)) ORDER BY free DESC LIMIT 64`,
        account,
        leasesRunFrom(this.#deps.sql, this.#deps.now()),
        JSON.stringify(exclude),
      )
      .toSorted(
        (a, b) =>
          Number(b.account_id !== null) - Number(a.account_id !== null) ||
          (asked.get(a.node_id)?.length ?? 0) - (asked.get(b.node_id)?.length ?? 0),
      )
      .map((row) => row.node_id);
  }
}
