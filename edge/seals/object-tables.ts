/** Sealed records in the storage of an object of ours: a page of one table at a time. */
import type { SecretBox } from "../auth/secret-box.ts";
import type { Sql } from "../partition/sql.ts";
import { planMoves, type SealedRecord, type SealPage } from "./plan.ts";

/** Rows looked at in one page, with a record or without. */
const PAGE_ROWS = 1_000;

export interface ObjectColumn {
  name: string;
  purpose: string;
  /** `id`, `account` and `sealed` of the rows after `?1`, by id, at most `?2`. */
  select: string;
  /** Puts `?1` in place of `?3` in the row `?2`, if it is still there. */
  swap: string;
  /** Ids are numbers. */
  byNumber?: true;
}

interface Row {
  id: SealedRecord["id"];
  account: string | null;
  sealed: string | null;
}

/** The page that begins at `cursor`; empty: the first one. */
export async function resealObject(
  sql: Sql,
  box: SecretBox,
  columns: readonly ObjectColumn[],
  cursor: string,
): Promise<SealPage> {
  const [name = "", after = ""] = cursor === "" ? [columns[0]?.name] : (JSON.parse(cursor) as [string, string]);
  const at = columns.findIndex((column) => column.name === name);
  const column = columns[at];
  if (column === undefined) return { found: {}, moved: 0, next: null };
  const start = column.byNumber ? Number(after) : after;
  const rows = sql.all<Row>(column.select, start, PAGE_ROWS);
  const records = rows.flatMap(({ id, account, sealed }) =>
    sealed === null ? [] : [{ id, account: account ?? "", sealed }],
  );
  const { found, moves } = await planMoves(box, column.purpose, records);
  for (const move of moves) sql.run(column.swap, move.new, move.id, move.old);
  const last = rows.length < PAGE_ROWS ? undefined : rows.at(-1);
  const next = last === undefined ? columns[at + 1] : column;
  return {
    found,
    moved: moves.length,
    next: next === undefined ? null : JSON.stringify([next.name, last === undefined ? "" : String(last.id)]),
  };
}
