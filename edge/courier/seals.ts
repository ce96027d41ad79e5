/** Where sealed records stand in a courier: bytes and addresses of what has not ended. */
import { DELIVERY_BODY_PURPOSE, DELIVERY_URL_PURPOSE } from "../db/deliveries.ts";
import type { ObjectColumn } from "../seals/object-tables.ts";

function column(name: "sealed_url" | "sealed_body", purpose: string): ObjectColumn {
  return {
    name: `deliveries.${name}`,
    purpose,
    byNumber: true,
    select: `SELECT seq AS id, (SELECT value FROM meta WHERE key = 'account') AS account, ${name} AS sealed
      FROM deliveries WHERE seq > ? ORDER BY seq LIMIT ?`,
    swap: `UPDATE deliveries SET ${name} = ?1 WHERE seq = ?2 AND ${name} = ?3`,
  };
}

export const COURIER_SEALS: readonly ObjectColumn[] = [
  column("sealed_url", DELIVERY_URL_PURPOSE),
  column("sealed_body", DELIVERY_BODY_PURPOSE),
];
