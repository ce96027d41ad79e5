/** The node's session with the edge: its number, its key, and the key's renewal. One at a time, shared by all loops. */
import type { z } from "zod";
import {
  ChallengeAnswer,
  FLEET_BASE,
  type NodeVersions,
  SessionAnswer,
  type Slots,
} from "../../shared/contract/fleet.ts";
import { callDelay, orAbort, pause } from "../fleet/backoff.ts";
import { FleetError, isFinal, isRetryable } from "../fleet/fleet-error.ts";
import { type FleetPost, postFleet } from "../fleet/http.ts";
import type { Log } from "../log.ts";
import type { Identity } from "./identity.ts";

export interface SessionOptions {
  edge: string;
  identity: Identity;
  slots: Slots;
  /** Asked at each opening: a node outlives many a yt-dlp. */
  versions(): NodeVersions;
  /** Optional parts of the protocol that this node knows, asked as `versions` is. Defaults to none. */
  features?(): string[];
  /** Ends every wait of the session. */
  signal: AbortSignal;
  log: Log;
  /** The edge does not want this process any more. */
  onFinal(error: FleetError): void;
  /** Hears of each call how it went: `ok`, or the error's code. A call that its caller gave up is none. */
  onCall?(result: string, tookMs: number): void;
}

/** A key is renewed when this share of its life is left. */
const RENEW_SHARE = 0.2;

export class Session {
  readonly #options: SessionOptions;
  #current: SessionAnswer | null = null;
  #expiresAt = 0;
  #opening: Promise<SessionAnswer> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get edge(): string {
    return this.#options.edge;
  }

  /** The open session, opened or renewed first if need be. Waits as long as the edge is away. */
  async get(): Promise<SessionAnswer> {
    if (this.#current !== null && performance.now() < this.#expiresAt) return this.#current;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** Why the edge wants this node quiet, as of the last opening; null while it may work. */
  get quiet(): string | null {
    return this.#current?.quiet ?? null;
  }

  /** Opens the same session again, to tell the edge of new versions. */
  async renew(): Promise<void> {
    // One that is being opened may have set out with the old ones.
    await this.#opening?.catch(() => {});
    this.#expiresAt = 0;
    await this.get();
  }

  /**
   * One call, repeated while the edge is away and `signal` allows: every call of the protocol is idempotent. A session
   * key that ran out is renewed in between.
   */
  async call<Schema extends z.ZodType>(
    path: string,
    body: unknown,
    answer: Schema,
    signal: AbortSignal,
    traceparent: string | null = null,
  ): Promise<z.output<Schema>> {
    for (let failures = 0; ; ) {
      try {
        return await this.once(path, body, answer, signal, traceparent);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        failures++;
        await pause((error as FleetError).retryAfterMs ?? callDelay(failures), signal);
      }
    }
  }

  /** One call without a repeat, but for an expired key. */
  async once<Schema extends z.ZodType>(
    path: string,
    body: unknown,
    answer: Schema,
    signal: AbortSignal,
    traceparent: string | null = null,
  ): Promise<z.output<Schema>> {
    for (let renewed = false; ; renewed = true) {
      // The session is everybody's: its opening goes on when one caller leaves.
      const { session_key: sessionKey } = await orAbort(this.get(), signal);
      try {
        return await this.#post({ path: FLEET_BASE + path, body, answer, sessionKey, traceparent, signal });
      } catch (error) {
        if (isFinal(error)) this.#options.onFinal(error as FleetError);
        const expired = error instanceof FleetError && error.code === "session_expired";
        if (!expired || renewed) throw error;
        // Another caller may have renewed it since this call set out.
        if (this.#current?.session_key === sessionKey) this.#expiresAt = 0;
      }
    }
  }

  async #open(): Promise<SessionAnswer> {
    const { signal, log } = this.#options;
    for (let failures = 0; ; ) {
      try {
        const answer = await this.#sign();
        if (answer.session !== this.#current?.session) log("info", "session.opened", { session: answer.session });
        const quiet = answer.quiet ?? null;
        if (quiet !== this.quiet) {
          log(quiet === null ? "info" : "warn", quiet === null ? "session.not_quiet" : "session.quiet", {
            reason: quiet,
          });
        }
        this.#current = answer;
        this.#expiresAt = performance.now() + answer.expires_in_ms * (1 - RENEW_SHARE);
        return answer;
      } catch (error) {
        if (isFinal(error)) this.#options.onFinal(error as FleetError);
        if (!isRetryable(error) && !(error instanceof FleetError && error.code === "session_expired")) throw error;
        failures++;
        if (failures === 1) log("warn", "session.unreachable", { error: (error as FleetError).message });
        await pause((error as FleetError).retryAfterMs ?? callDelay(failures), signal);
      }
    }
  }

  async #sign(): Promise<SessionAnswer> {
    const { identity, slots, versions, features, signal } = this.#options;
    const { nonce } = await this.#post({
      path: `${FLEET_BASE}/challenge`,
      body: { node_id: identity.nodeId },
      answer: ChallengeAnswer,
      sessionKey: null,
      signal,
    });
    return this.#post({
      path: `${FLEET_BASE}/sessions`,
      body: {
        node_id: identity.nodeId,
        nonce,
        signature: identity.sign(nonce),
        resume: this.#current?.session ?? null,
        slots,
        versions: versions(),
        features: features?.() ?? [],
      },
      answer: SessionAnswer,
      sessionKey: null,
      signal,
    });
  }

  async #post<Schema extends z.ZodType>(call: Omit<FleetPost<Schema>, "edge">): Promise<z.output<Schema>> {
    const { edge, onCall } = this.#options;
    const began = performance.now();
    try {
      const answer = await postFleet({ ...call, edge });
      onCall?.("ok", performance.now() - began);
      return answer;
    } catch (error) {
      if (error instanceof FleetError) onCall?.(error.code, performance.now() - began);
      throw error;
    }
  }
}
