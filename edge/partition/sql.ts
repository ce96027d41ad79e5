/**
 * The little that the dispatch core asks of SQLite. Two adapters: Durable Object storage (`durable-sql.ts`) and
 * `node:sqlite` (in the tests). Everything is synchronous, so one call of the core is one transaction.
 */
export type SqlValue = string | number | null;

export interface Sql {
  run(query: string, ...params: SqlValue[]): void;
  all<Row>(query: string, ...params: SqlValue[]): Row[];
  get<Row>(query: string, ...params: SqlValue[]): Row | undefined;
  /** Commits if `body` returns, rolls back if it throws. Never nested. */
  transaction<Result>(body: () => Result): Result;
}
