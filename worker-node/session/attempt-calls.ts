/** What an attempt says to its partition: one method per call of the fleet protocol, repeated until the edge has answered. */
import { z } from "zod";
import {
  CompleteAnswer,
  ConfirmAnswer,
  ExtractedAnswer,
  type ExtractedRequest,
  type FailRequest,
  type Held,
  type Step,
  TicketAnswer,
  type TicketRequest,
} from "../../shared/contract/fleet.ts";
import type { Manifest } from "../../shared/contract/media.ts";
import type { Session } from "./session.ts";

const State = z.object({ state: z.string() });

export interface AttemptCallsOptions {
  session: Session;
  /** Path of the partition below the protocol's base. */
  base: string;
  /** Resolves while the last answered heartbeat is younger than a lease. */
  inTouch(signal: AbortSignal): Promise<void>;
  /** Of the attempt: goes with each call, so that the edge's lines belong to the same trace. */
  traceparent: string | null;
}

export class AttemptCalls {
  readonly #options: AttemptCallsOptions;

  constructor(options: AttemptCallsOptions) {
    this.#options = options;
  }

  inTouch(signal: AbortSignal): Promise<void> {
    return this.#options.inTouch(signal);
  }
  confirm(held: Held, signal: AbortSignal) {
    return this.#call(held.job, "confirm", { token: held.token }, ConfirmAnswer, signal);
  }
  step(held: Held, step: Step, signal: AbortSignal) {
    return this.#call(held.job, "step", { token: held.token, step }, State, signal);
  }
  extracted(held: Held, result: ExtractedRequest["result"], signal: AbortSignal) {
    return this.#call(held.job, "extracted", { token: held.token, result }, ExtractedAnswer, signal);
  }
  ticket(held: Held, request: Omit<z.infer<typeof TicketRequest>, "token">, signal: AbortSignal) {
    return this.#call(held.job, "ticket", { token: held.token, ...request }, TicketAnswer, signal);
  }
  complete(held: Held, manifest: Manifest, signal: AbortSignal) {
    return this.#call(held.job, "complete", { token: held.token, manifest }, CompleteAnswer, signal);
  }
  fail(held: Held, failure: Omit<FailRequest, "token">, signal: AbortSignal) {
    return this.#call(held.job, "fail", { token: held.token, ...failure }, State, signal);
  }
  release(held: Held, signal: AbortSignal) {
    return this.#call(held.job, "release", { token: held.token }, State, signal);
  }

  #call<Schema extends z.ZodType>(job: string, name: string, body: unknown, answer: Schema, signal: AbortSignal) {
    const { session, base, traceparent } = this.#options;
    return session.call(`${base}/jobs/${job}/${name}`, body, answer, signal, traceparent);
  }
}
