/** Partitions that were born here: each has claimed a generation (birth rule). One row a partition, so few rows. */

export async function bornPartitions(db: D1Database): Promise<string[]> {
  const { results } = await db.prepare("SELECT name FROM partitions ORDER BY name").all<{ name: string }>();
  return results.map((row) => row.name);
}

/** By primary key. */
export async function isBorn(db: D1Database, name: string): Promise<boolean> {
  return (await db.prepare("SELECT 1 AS x FROM partitions WHERE name = ?").bind(name).first()) !== null;
}
