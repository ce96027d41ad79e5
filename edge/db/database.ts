/**
 * The little of D1 that the birth rule and the drain ask for. `D1Database` has it; so does the simulation's, on
 * `node:sqlite`, where the Worker's types do not reach.
 */
export interface Statement {
  bind(...values: (string | number | null)[]): Statement;
  first<Row>(): Promise<Row | null>;
  all<Row>(): Promise<{ results: Row[] }>;
}

export interface Database {
  prepare(query: string): Statement;
  /** All of it or nothing. */
  batch(statements: Statement[]): Promise<unknown>;
}
