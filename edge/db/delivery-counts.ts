/** Webhooks by their state, of all accounts. Reads each entry of deliveries_account_status: 30 days of them. */
export async function deliveryCounts(db: D1Database): Promise<{ status: string; n: number }[]> {
  const { results } = await db
    .prepare("SELECT status, count(*) AS n FROM deliveries GROUP BY status ORDER BY status")
    .all<{ status: string; n: number }>();
  return results;
}
