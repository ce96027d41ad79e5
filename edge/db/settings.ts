/** Settings of an account in D1: `accounts.settings` holds those that differ from the defaults. */
import { type SettingChanges, type Settings, withDefaults } from "../library/settings.ts";

/** Null: there is no such account, or it is being removed. One row read. */
export async function findSettings(db: D1Database, account: string): Promise<Settings | null> {
  const stored = await db
    .prepare("SELECT settings FROM accounts WHERE id = ? AND state = 'active'")
    .bind(account)
    .first<string>("settings");
  return stored === null ? null : withDefaults(JSON.parse(stored) as Partial<Settings>);
}

/** All settings of an account, with their values; the defaults for one that is just being removed. */
export async function readSettings(db: D1Database, account: string): Promise<Settings> {
  return (await findSettings(db, account)) ?? withDefaults({});
}

/**
 * Changes some settings in one statement, so that two changes at once both count. Null: there is no such account.
 * `json_patch` takes away what is `null`, but merges objects into objects: so what is named goes first.
 */
export async function changeSettings(
  db: D1Database,
  account: string,
  changes: SettingChanges,
): Promise<Settings | null> {
  const paths = Object.keys(changes).map((name) => `$.${name}`);
  const named = paths.length === 0 ? "settings" : `json_remove(settings, ${paths.map(() => "?").join(", ")})`;
  const stored = await db
    .prepare(
      `UPDATE accounts SET settings = json_patch(${named}, ?) WHERE id = ? AND state = 'active' RETURNING settings`,
    )
    .bind(...paths, JSON.stringify(changes), account)
    .first<string>("settings");
  return stored === null ? null : withDefaults(JSON.parse(stored) as Partial<Settings>);
}
