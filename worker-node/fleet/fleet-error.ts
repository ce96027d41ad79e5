/** What the edge said, and the single place that decides what is worth repeating. */
import type { FleetErrorCode } from "../../shared/contract/fleet.ts";

export class FleetError extends Error {
  override readonly name = "FleetError";
  /** The protocol's code; `unreachable` when no answer came at all. */
  readonly code: FleetErrorCode | "unreachable";
  readonly retryAfterMs: number | null;

  constructor(code: FleetErrorCode | "unreachable", message: string, retryAfterMs: number | null = null) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A repeat of the same call may succeed: every call of the protocol is idempotent. */
export function isRetryable(error: unknown): boolean {
  return (
    error instanceof FleetError &&
    (error.code === "unreachable" || error.code === "rebuilding" || error.code === "unavailable")
  );
}

/** The attempt is somebody else's now, or over. */
export function isLost(error: unknown): boolean {
  return error instanceof FleetError && (error.code === "lease_lost" || error.code === "not_found");
}

/** This process has no business here any more: a newer session of the node exists, or it was removed. */
export function isFinal(error: unknown): boolean {
  return error instanceof FleetError && (error.code === "session_fenced" || error.code === "node_revoked");
}
