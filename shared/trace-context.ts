/**
 * W3C Trace Context, level 1, as far as a service passes it on: `traceparent: 00-<trace id>-<span id>-<flags>`. We take part
 * in a caller's trace and never begin one; nothing is sampled or sent anywhere by us.
 */

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;

export interface TraceContext {
  /** 32 hex digits: the same in every log line of the trace. */
  traceId: string;
  spanId: string;
  flags: string;
}

/**
 * Reads a `traceparent`. Null for what the standard calls invalid (version `ff`, ids of zeros, more than four fields in
 * version 00), which is then ignored and never an error of the request.
 */
export function parseTraceparent(text: string | null | undefined): TraceContext | null {
  const [, version, traceId = "", spanId = "", flags = "", more] = TRACEPARENT.exec(text ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return null;
  return ZEROS.test(traceId) || ZEROS.test(spanId) ? null : { traceId, spanId, flags };
}

/** In the version that we know: what a later one has added says nothing to us. */
export function traceparentText({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
