/** How much an account may keep of one kind of feature: lists, and what looks through them, stay bounded. */
import { MAX_BODY_BYTES, MIB } from "../../../shared/limits.ts";
import { AppError } from "../../app-error.ts";
import { type FeatureContent, type FeatureRow, measureFeatures } from "../../db/features.ts";
import type { FeatureDeps } from "./checks.ts";
import type { FeatureKind, Named } from "./kind.ts";
import { scope } from "./records.ts";

export const MAX_ROWS = 2_000;
const MAX_BYTES = 16 * MIB;

/** @throws AppError 400, 413 */
export function expectRoomToGrow<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  row: FeatureRow,
  content: FeatureContent,
): Promise<void> {
  if (content.size > MAX_BODY_BYTES) throw tooLarge();
  const more = content.size - row.size;
  return more > 0 ? expectRoom(deps, kind, 0, more) : Promise.resolve();
}

/** @throws AppError 400 */
export async function expectRoom<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  rows: number,
  bytes: number,
): Promise<void> {
  const held = await measureFeatures(deps.env.DB, scope(deps, kind));
  if (held.rows + rows > MAX_ROWS) throw new AppError("invalid", `Too many ${kind.what}s (max ${MAX_ROWS}).`);
  if (held.bytes + bytes > MAX_BYTES) {
    throw new AppError("invalid", `Too much is kept as ${kind.what}s (max ${MAX_BYTES / MIB} MiB).`);
  }
}

/** What inheritance or a merge has made of a body within the limit. */
export function tooLarge(): AppError {
  return new AppError("body_too_large", `Request body is too large (max ${MAX_BODY_BYTES / MIB} MiB).`);
}
