import type { Courier } from "./courier.ts";
import type { Notice } from "./notice.ts";

/** Notices in one call to a courier: far below what one call may carry. */
const NOTICES_PER_CALL = 500;

/**
 * Hands notices to the couriers of their accounts, in order. Throws when one did not take its part: send all of them
 * again, the couriers know what they have.
 */
export async function sendNotices(
  couriers: DurableObjectNamespace<Courier>,
  notices: readonly Notice[],
): Promise<void> {
  for (const [account, own] of Map.groupBy(notices, (notice) => notice.account_id)) {
    const courier = couriers.getByName(account);
    for (let at = 0; at < own.length; at += NOTICES_PER_CALL) {
      await courier.accept(account, own.slice(at, at + NOTICES_PER_CALL));
    }
  }
}
