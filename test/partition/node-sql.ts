/** The core's `Sql` port on `node:sqlite`: deterministic, in this process, and a few times faster than workerd. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Sql, SqlValue } from "../../edge/partition/sql.ts";

export interface NodeSql extends Sql {
  readonly database: DatabaseSync;
  close(): void;
}

/** @param path a file, or memory by default. */
export function nodeSql(path = ":memory:"): NodeSql {
  const database = new DatabaseSync(path);
  const prepared = new Map<string, StatementSync>();
  let open = false;

  function statement(query: string): StatementSync {
    let known = prepared.get(query);
    if (known === undefined) {
      known = database.prepare(query);
      prepared.set(query, known);
    }
    return known;
  }

  return {
    database,
    run(query: string, ...params: SqlValue[]) {
      statement(query).run(...params);
    },
    all: <Row>(query: string, ...params: SqlValue[]) => statement(query).all(...params) as Row[],
    get: <Row>(query: string, ...params: SqlValue[]) => statement(query).get(...params) as Row | undefined,
    transaction<Result>(body: () => Result): Result {
      if (open) throw new Error("a transaction inside a transaction");
      open = true;
      database.exec("BEGIN");
      try {
        const result = body();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      } finally {
        open = false;
      }
    },
    close() {
      prepared.clear();
      database.close();
    },
  };
}
