/** What the routes of features share: whose they are, which one is meant, bodies, pages (library API 1.1, 1.4, 7.1). */
import { readSettings } from "../../../db/settings.ts";
import type { FeatureDeps } from "../../../library/features/checks.ts";
import type { FeatureKind, Named } from "../../../library/features/kind.ts";
import type { AppContext } from "../../http.ts";
import { readLibraryObject } from "../library-body.ts";
import { type AskedPage, readPage } from "../pages.ts";

/** A feature list's own page is half of a setting above this. */
const FULL_PAGE = 50;

export function depsOf(context: AppContext): FeatureDeps {
  return { env: context.env, account: context.var.caller.account.id };
}

/** The path takes digits only. */
export function idOf(context: AppContext): string {
  return context.req.param("id") ?? "";
}

export async function pageOf(context: AppContext, { env, account }: FeatureDeps): Promise<AskedPage> {
  const { default_pagination: perPage } = await readSettings(env.DB, account);
  return readPage(context, perPage > FULL_PAGE ? Math.floor(perPage / 2) : perPage);
}

/** @throws AppError 400, 413 */
export function sentObject<Body extends Named>(
  context: AppContext,
  { texts }: FeatureKind<Body>,
): Promise<Record<string, unknown>> {
  return readLibraryObject(context, texts);
}
