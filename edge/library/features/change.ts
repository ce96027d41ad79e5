/** Every change of a feature (library API, sections 7 and 8) passes one of these three: what is told of changes begins here. */
import { MAX_BODY_BYTES } from "../../../shared/limits.ts";
import { AppError, unavailable } from "../../app-error.ts";
import {
  deleteFeature,
  type FeatureRow,
  findFeature,
  findFeatureByName,
  insertFeatures,
  updateFeature,
} from "../../db/features.ts";
import { failedToValidate } from "../../routes/library/library-error.ts";
import { type FeatureDeps, Place, readFields } from "./checks.ts";
import type { FeatureKind, Named, Shipped, View } from "./kind.ts";
import { closeBody, openRow, scope, viewOf } from "./records.ts";
import { nameTaken, unknownFeature } from "./refusals.ts";
import { expectRoom, expectRoomToGrow, tooLarge } from "./room.ts";

/** Two who change one row begin anew for each other; more than a few in a row is nobody's work. */
const MAX_TRIES = 10;

/**
 * Reads a new object.
 *
 * @throws AppError 400 with all bad fields
 */
export async function readNew<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  sent: Record<string, unknown>,
  what = kind.what,
): Promise<Body> {
  return read(deps, kind, sent, null, what);
}

async function read<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  sent: Record<string, unknown>,
  base: Body | null,
  what: string,
): Promise<Body> {
  const place = new Place(deps);
  const body = await readFields(kind.fields, sent, base, place);
  if (body !== undefined) kind.whole?.(body, place);
  if (body === undefined || place.found.details.length > 0) throw failedToValidate(what, place.found.details);
  if (place.found.outright !== null) throw place.found.outright;
  return body;
}

/**
 * Makes those whose names are free.
 *
 * @returns one for each that was made, in their order
 * @throws AppError 400 when there are too many, 413
 */
export async function createFeatures<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  bodies: readonly Body[],
): Promise<View[]> {
  const contents = await Promise.all(bodies.map((body) => closeBody(deps, kind, body)));
  const bytes = contents.reduce((sum, content) => sum + content.size, 0);
  if (bytes > MAX_BODY_BYTES) throw tooLarge();
  await expectRoom(deps, kind, contents.length, bytes);
  const first = (kind.shipped?.count ?? 0) + 1;
  const rows = await insertFeatures(deps.env.DB, scope(deps, kind), contents, first, Date.now());
  const byName = new Map(bodies.map((body) => [body.name, body]));
  return rows.flatMap((row) => {
    const body = byName.get(row.name);
    return body === undefined ? [] : [viewOf(kind, row, body)];
  });
}

/** @throws AppError 400, 404, 409, 413 */
export async function createFeature<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  body: Body,
): Promise<View> {
  const taken = nameTaken(kind, "create", body.name);
  if (await isShippedName(deps, kind, body.name)) throw taken;
  const [made] = await createFeatures(deps, kind, [body]);
  if (made === undefined) throw taken;
  return made;
}

/**
 * The fields that are sent replace those of the row (library API 7.1).
 *
 * @throws AppError 400, 404, 409, 413
 */
export async function changeFeature<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  id: string,
  sent: Record<string, unknown>,
  method: "PATCH" | "PUT",
): Promise<View> {
  const what = method === "PATCH" ? (kind.whatOfPatch ?? kind.what) : kind.what;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const row = await expectRow(deps, kind, id);
    const base = await openRow(deps, kind, row);
    const body = await read(deps, kind, method === "PATCH" ? (kind.merge?.(sent, base) ?? sent) : sent, base, what);
    const content = await closeBody(deps, kind, body);
    await expectNameFree(deps, kind, row.id, body.name);
    await expectRoomToGrow(deps, kind, row, content);
    const updated = await updateFeature(deps.env.DB, scope(deps, kind), row.id, row.version, content, Date.now());
    if (updated !== null) return viewOf(kind, updated, body);
  }
  throw unavailable("Too many changes at once, try again.", 1);
}

/**
 * Returns what was there.
 *
 * @throws AppError 400, 404
 */
export async function removeFeature<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  id: string,
): Promise<View> {
  if (isShippedId(kind, id)) throw new AppError("invalid", kind.shipped.fixed.remove);
  const row = await deleteFeature(deps.env.DB, scope(deps, kind), Number(id));
  if (row === null) throw unknownFeature(kind, id, "remove");
  return viewOf(kind, row, await openRow(deps, kind, row));
}

/** @throws AppError 404; 400 for one that every account has */
export async function expectRow<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  id: string,
): Promise<FeatureRow> {
  if (isShippedId(kind, id)) throw new AppError("invalid", kind.shipped.fixed.change);
  const row = await findFeature(deps.env.DB, scope(deps, kind), Number(id));
  if (row === null) throw unknownFeature(kind, id, "change");
  return row;
}

function isShippedId<Body extends Named>(
  kind: FeatureKind<Body>,
  id: string,
): kind is FeatureKind<Body> & { shipped: Shipped<Body> } {
  return kind.shipped !== undefined && Number(id) >= 1 && Number(id) <= kind.shipped.count;
}

/** Two who take one name at once: the second finds the first one's row when its own update has failed. */
async function expectNameFree<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  id: number,
  name: string,
): Promise<void> {
  const other = await findFeatureByName(deps.env.DB, scope(deps, kind), name);
  if ((other !== null && other.id !== id) || (await isShippedName(deps, kind, name))) {
    throw nameTaken(kind, "change", name);
  }
}

async function isShippedName<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  name: string,
): Promise<boolean> {
  return ((await kind.shipped?.all(deps)) ?? []).some((each) => each.name === name);
}
