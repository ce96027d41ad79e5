/** Opens a partition's storage; an empty one claims its generation and is rebuilt from D1 (birth rule). */
import { SESSION_KEY_TTL_MS } from "../../shared/limits.ts";
import type { Database } from "../db/database.ts";
import { claimEpoch, nodeOrders } from "../db/rebuild.ts";
import { Core } from "./core.ts";
import { EventIds } from "./event-ids.ts";
import { orderRemoval, orderStanding } from "./node-orders.ts";
import { rebuild } from "./rebuild.ts";
import { getMeta, openSchema, setMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";
import type { ResolvedCore } from "./turn.ts";

export async function openCore(
  sql: Sql,
  db: Database,
  name: string,
  config: ResolvedCore,
  now: () => number,
): Promise<Core> {
  if (!openSchema(sql)) return new Core(name, sql, config, Number(getMeta(sql, "epoch")), EventIds.load(sql));
  // The claim is stored last: a crash before that repeats the birth with a higher generation, which is harmless.
  const generation = await claimEpoch(db, name, now());
  const core = new Core(name, sql, config, generation.epoch, new EventIds(generation.d1_event));
  if (generation.epoch > 1) await rebuild(core, db, generation, now);
  await loadNodeOrders(core, db, now());
  core.sql.transaction(() => setMeta(sql, "epoch", String(generation.epoch)));
  return core;
}

/** What D1 says of nodes holds for every partition, those born later too. */
async function loadNodeOrders(core: Core, db: Database, now: number): Promise<void> {
  const orders = await nodeOrders(db, now - SESSION_KEY_TTL_MS);
  core.sql.transaction(() => {
    for (const standing of orders.standings) orderStanding(core.sql, standing);
    for (const node of orders.removed) orderRemoval(core.sql, node, now);
  });
}
