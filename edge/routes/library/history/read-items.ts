/** Rows of D1 as items; running ones with their progress of this moment. */

import { isUuid } from "../../../../shared/ids.ts";
import { openItemSecrets } from "../../../auth/item-secrets.ts";
import { secretBoxOf } from "../../../auth/secret-box.ts";
import { isHidden } from "../../../db/downloads.ts";
import { findKept, type ItemRow, type KeptItem } from "../../../db/items.ts";
import { readSettings } from "../../../db/settings.ts";
import { urlPolicy } from "../../../env.ts";
import { type ItemFacts, type ItemSecrets, plainFacts } from "../../../library/items/facts.ts";
import { type ItemView, itemView } from "../../../library/items/item-view.ts";
import { isHistory } from "../../../library/items/status.ts";
import type { Settings } from "../../../library/settings.ts";
import { sidecarsOf } from "../../../library/tree/sidecars.ts";
import { DOWNLOADS } from "../../../library/wire-names.ts";
import type { JobRow } from "../../../partition/job-row.ts";
import { MANAGED_TARGET } from "../../../partition/targets.ts";
import type { AppContext } from "../../http.ts";
import { readJobSource } from "../../jobs/job-access.ts";
import type { JobSource } from "../../jobs/job-view.ts";
import { withProgress } from "../../jobs/live-progress.ts";

/** In the order of the rows. One call to the partition, whatever runs. */
export async function itemsOf(context: AppContext, settings: Settings, rows: readonly ItemRow[]): Promise<ItemView[]> {
  const policy = urlPolicy(context.env);
  const moving = await withProgress(context, rows);
  return Promise.all(
    moving.map(async ({ row, ...live }) => {
      const source = { row, ...live, ...(await opened(context, row, plainFacts(settings))) };
      return itemView(source, policy);
    }),
  );
}

/** Items of the history with what lies beside their files in managed storage (library API 3.1). In the order of the rows. */
export async function withSidecars(
  context: AppContext,
  rows: readonly Pick<JobRow, "target_id" | "media_key">[],
  items: readonly ItemView[],
): Promise<ItemView[]> {
  const path = ({ target_id, media_key }: Pick<JobRow, "target_id" | "media_key">) =>
    target_id === MANAGED_TARGET ? (media_key ?? "") : "";
  const { DB } = context.env;
  const sidecars = await sidecarsOf(
    DB,
    context.var.caller.account.id,
    rows.map(path),
    (told) => `${DOWNLOADS}/${told}`,
  );
  return items.map((item, index) => ({ ...item, sidecar: sidecars[index] ?? {} }));
}

export interface FoundItem {
  source: JobSource;
  view: ItemView;
}

/** Null: unknown, another account's, no item, or forgotten. */
export async function findItem(context: AppContext, id: string): Promise<FoundItem | null> {
  const lower = id.toLowerCase();
  const source = isUuid(lower) ? await readJobSource(context, lower) : null;
  if (source === null || source.row.role === "parent") return null;
  const { env } = context;
  const account = context.var.caller.account.id;
  if (isHistory(source.row.state) && (await isHidden(env.DB, account, lower))) return null;
  const [kept, settings] = await Promise.all([
    findKept(env.DB, account, lower, source.row.batch_id),
    readSettings(env.DB, account),
  ]);
  const { row, eta_seconds, speed_bytes_per_second } = source;
  const opens = await opened(context, kept, plainFacts(settings));
  // The media key goes with its file.
  const media = source.files.find((file) => file.kind === "media" && file.deleted_at === null);
  const shown = { ...row, media_key: media?.path ?? null };
  const plain = itemView({ row: shown, eta_seconds, speed_bytes_per_second, ...opens }, urlPolicy(env));
  const [view = plain] = isHistory(row.state) ? await withSidecars(context, [shown], [plain]) : [];
  return { source, view };
}

async function opened(
  context: AppContext,
  { facts, sealed_item }: KeptItem,
  plain: ItemFacts,
): Promise<{ facts: ItemFacts; secrets: ItemSecrets }> {
  const account = context.var.caller.account.id;
  return {
    facts: facts === null ? plain : (JSON.parse(facts) as ItemFacts),
    secrets: await openItemSecrets(secretBoxOf(context.env), account, sealed_item),
  };
}
