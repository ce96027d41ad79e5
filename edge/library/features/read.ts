/** Reading features (library API, sections 1.4, 7 and 8): one by id or name, a page, all of them. */
import { findFeature, findFeatureByName, listFeatures, measureFeatures } from "../../db/features.ts";
import { type AskedPage, type Pagination, paginate } from "../../routes/library/pages.ts";
import type { FeatureDeps } from "./checks.ts";
import type { FeatureKind, Named, View } from "./kind.ts";
import { openRow, scope, viewOf } from "./records.ts";
import { unknownFeature } from "./refusals.ts";
import { MAX_ROWS } from "./room.ts";

/** One that every account has is as old as time. */
const EVER = { created: 0, updated: 0 };

/** @throws AppError 404 */
export async function getFeature<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  id: string,
): Promise<View> {
  const shipped = (await kind.shipped?.all(deps))?.find((each) => each.id === Number(id));
  if (shipped !== undefined) return kind.view(shipped.id, shipped, EVER);
  const row = await findFeature(deps.env.DB, scope(deps, kind), Number(id));
  if (row === null) throw unknownFeature(kind, id, "read");
  return viewOf(kind, row, await openRow(deps, kind, row));
}

/** Null: there is none of this name, which is compared as it stands. */
export async function findByName<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  name: string,
): Promise<(Body & { id: number }) | null> {
  const shipped = (await kind.shipped?.all(deps))?.find((each) => each.name === name);
  if (shipped !== undefined) return shipped;
  const row = await findFeatureByName(deps.env.DB, scope(deps, kind), name);
  return row === null ? null : { ...(await openRow(deps, kind, row)), id: row.id };
}

/** @param include a long field that is shown all the same. */
export async function listPage<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  asked: AskedPage,
  include: string | null = null,
): Promise<{ items: View[]; pagination: Pagination }> {
  const { rows } = await measureFeatures(deps.env.DB, scope(deps, kind));
  const { pagination, offset } = paginate(asked, rows + (kind.shipped?.count ?? 0));
  const hidden = (kind.long ?? []).filter((field) => field !== include);
  return { items: await slice(deps, kind, offset, asked.perPage, hidden), pagination };
}

/** All of them, in the order of lists. */
export function listAll<Body extends Named>(deps: FeatureDeps, kind: FeatureKind<Body>): Promise<View[]> {
  return slice(deps, kind, 0, MAX_ROWS + (kind.shipped?.count ?? 0));
}

interface Placed {
  rank: number;
  name: string;
  view(): Promise<View>;
}

/**
 * Own rows with the shipped ones in their places. Where a shipped one stands depends on at most as many rows before the
 * page as there are shipped ones: the page begins that much earlier, and then what is too much is cut off.
 */
async function slice<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  offset: number,
  limit: number,
  hidden: readonly string[] = [],
): Promise<View[]> {
  const shipped = (await kind.shipped?.all(deps)) ?? [];
  const start = Math.max(0, offset - shipped.length);
  const page = { offset: start, limit: limit + offset - start };
  const rows = await listFeatures(deps.env.DB, scope(deps, kind), page);
  const own = rows.map((row): Placed => {
    const view = async () => viewOf(kind, row, await openRow(deps, kind, row, hidden));
    return { rank: row.rank, name: row.name, view };
  });
  const everybodys = shipped.map((each): Placed => {
    return { rank: 0, name: each.name, view: async () => kind.view(each.id, each, EVER) };
  });
  const shown = merge(own, everybodys.toSorted(inOrder)).slice(offset - start, offset - start + limit);
  const views = await Promise.all(shown.map((each) => each.view()));
  return hidden.length === 0 ? views : views.map((view) => without(view, hidden));
}

/** Own rows stay as the database has sorted them. */
function merge(own: readonly Placed[], shipped: readonly Placed[]): Placed[] {
  const left = [...shipped];
  const merged: Placed[] = [];
  for (const row of own) {
    while (left[0] !== undefined && inOrder(left[0], row) < 0) merged.push(...left.splice(0, 1));
    merged.push(row);
  }
  return [...merged, ...left];
}

/** As the database sorts: it compares UTF-8, which is the same where one of the names is ASCII. */
function inOrder(a: Placed, b: Placed): number {
  return a.rank - b.rank || (a.name < b.name ? -1 : Number(a.name > b.name));
}

function without(view: View, fields: readonly string[]): View {
  return Object.fromEntries(Object.entries(view).filter(([field]) => !fields.includes(field)));
}
