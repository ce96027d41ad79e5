/** Rows of features as objects: what of a body is sealed, and how large it is. */
import { secretBoxOf } from "../../auth/secret-box.ts";
import { FEATURE_PURPOSE, type FeatureContent, type FeatureRow, type FeatureScope } from "../../db/features.ts";
import type { FeatureDeps } from "./checks.ts";
import type { FeatureKind, Named, View } from "./kind.ts";

const encoder = new TextEncoder();

/** A body as the database keeps it. */
export async function closeBody<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  body: Body,
): Promise<FeatureContent> {
  const { name, ...rest } = body;
  const [open, secret]: [object, object] = [{ ...rest }, {}];
  for (const field of kind.sealed) {
    if (!isEmpty(body[field])) Object.assign(secret, { [field]: body[field] });
    Reflect.deleteProperty(open, field);
  }
  const [json, hidden] = [JSON.stringify(open), JSON.stringify(secret)];
  const sealed = Object.keys(secret).length === 0 ? null : await seal(deps, hidden);
  const size = encoder.encode(json).byteLength + encoder.encode(hidden).byteLength;
  return { name, rank: kind.rank(body), size, body: json, sealed };
}

function seal({ env, account }: FeatureDeps, text: string): Promise<string> {
  return secretBoxOf(env).seal(text, { account, purpose: FEATURE_PURPOSE });
}

function isEmpty(value: unknown): boolean {
  return value === "" || value === null;
}

/**
 * What {@link closeBody} has put away.
 *
 * @param hidden fields that nobody will look at: they stay sealed, with their initial values in their place.
 */
export async function openRow<Body extends Named>(
  deps: FeatureDeps,
  kind: FeatureKind<Body>,
  row: FeatureRow,
  hidden: readonly string[] = [],
): Promise<Body> {
  const wanted = row.sealed !== null && kind.sealed.some((field) => !hidden.includes(field));
  const empty = Object.fromEntries(kind.sealed.map((field) => [field, kind.fields[field].initial]));
  const secret = wanted ? await unseal(deps, row.sealed ?? "") : {};
  return { name: row.name, ...(JSON.parse(row.body) as object), ...empty, ...secret } as Body;
}

async function unseal({ env, account }: FeatureDeps, sealed: string): Promise<object> {
  return JSON.parse(await secretBoxOf(env).open(sealed, { account, purpose: FEATURE_PURPOSE })) as object;
}

export function viewOf<Body extends Named>(kind: FeatureKind<Body>, row: FeatureRow, body: Body): View {
  return kind.view(row.id, body, { created: row.created_at, updated: row.updated_at });
}

/** Which rows are the account's of this kind. */
export function scope<Body extends Named>({ account }: FeatureDeps, { feature }: FeatureKind<Body>): FeatureScope {
  return { account, kind: feature };
}
