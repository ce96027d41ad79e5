import { StoreError } from "./store-error.ts";

/** The embedded stack's egress guard puts it on answers of its own: why nobody was reached. */
const EGRESS_HEADER = "x-trawl-egress";

/**
 * The guard's own answer, as an error; null: it comes from the store. An address that is refused today may be allowed by the
 * operator, but not by trying again.
 */
export function guardRefusal(headers: Headers): StoreError | null {
  const reason = headers.get(EGRESS_HEADER);
  if (reason === null) return null;
  if (reason === "timeout") return new StoreError("timeout", "unavailable");
  const refused = reason === "private" || reason === "own-port" || reason === "invalid";
  return new StoreError("unreachable", refused ? "permanent" : "unavailable");
}
