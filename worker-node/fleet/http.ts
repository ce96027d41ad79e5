/** One POST of the fleet protocol. Answers are parsed at this boundary, and only here. */
import type { z } from "zod";
import { FLEET_ERRORS, type FleetErrorCode } from "../../shared/contract/fleet.ts";
import { FleetError } from "./fleet-error.ts";

/** Longest wait for one answer. A frozen edge must not hold a call for ever. */
const CALL_TIMEOUT_MS = 20_000;

export interface FleetPost<Schema extends z.ZodType> {
  edge: string;
  path: string;
  body: unknown;
  answer: Schema;
  sessionKey: string | null;
  /** W3C trace context of the attempt that the call is about. Defaults to none. */
  traceparent?: string | null;
  signal: AbortSignal;
}

/** @throws FleetError for every answer that is not a success, and for none at all. */
export async function postFleet<Schema extends z.ZodType>(call: FleetPost<Schema>): Promise<z.output<Schema>> {
  const response = await send(call);
  const text = await response.text().catch((error: unknown) => {
    throw unreachable(error, call.signal);
  });
  if (!response.ok) throw refusal(response, text);
  const parsed = call.answer.safeParse(parseJson(text));
  if (!parsed.success) throw new FleetError("unavailable", `The edge's answer to ${call.path} has another shape`);
  return parsed.data;
}

async function send(call: FleetPost<z.ZodType>): Promise<Response> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (call.sessionKey !== null) headers.authorization = `Bearer ${call.sessionKey}`;
  if (call.traceparent != null) headers.traceparent = call.traceparent;
  try {
    return await fetch(call.edge + call.path, {
      method: "POST",
      headers,
      body: JSON.stringify(call.body),
      redirect: "error",
      signal: AbortSignal.any([call.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    });
  } catch (error) {
    throw unreachable(error, call.signal);
  }
}

/** The caller's own abort goes on as it is; anything else means that no answer came. */
function unreachable(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  return new FleetError("unreachable", `The edge does not answer ${cause}`.trim());
}

function refusal(response: Response, text: string): FleetError {
  const body = parseJson(text) as { error?: unknown; message?: unknown } | null;
  const known = FLEET_ERRORS.find((code) => code === body?.error);
  const code: FleetErrorCode =
    known ?? (response.status >= 500 || response.status === 429 ? "unavailable" : "bad_request");
  const retryAfter = Number(response.headers.get("retry-after"));
  const message = typeof body?.message === "string" ? body.message : `The edge answered ${response.status}`;
  return new FleetError(code, message, Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1000 : null);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
