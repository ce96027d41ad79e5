import type { Sql, SqlValue } from "./sql.ts";

/** SQLite of a Durable Object behind the core's port. */
export function durableSql(storage: DurableObjectStorage): Sql {
  const exec = (query: string, params: SqlValue[]) => storage.sql.exec(query, ...params);
  return {
    run: (query, ...params) => {
      exec(query, params).toArray();
    },
    all: <Row>(query: string, ...params: SqlValue[]) => exec(query, params).toArray() as Row[],
    get: <Row>(query: string, ...params: SqlValue[]) => exec(query, params).toArray()[0] as Row | undefined,
    transaction: (body) => storage.transactionSync(body),
  };
}
