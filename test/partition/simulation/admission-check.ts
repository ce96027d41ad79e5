/** Who is let in (DESIGN section 4, jobs API 1.3): all jobs of a create or none, within what may wait. */
import type { AccountFacts } from "../../../edge/partition/create.ts";
import type { Limits } from "../../../shared/contract/admin.ts";
import type { Tables } from "./state-checks.ts";
import { keyOf } from "./tenants.ts";
import { demand, type World } from "./world.ts";

/** @param before what stood when the create came. */
export function checkAdmission(
  { config }: World,
  { jobs }: Tables,
  account: AccountFacts,
  count: number,
  kind: "created" | "full",
): void {
  const { max_queued = Number.POSITIVE_INFINITY } = JSON.parse(account.limits) as Limits;
  const key = keyOf(account);
  const pending = jobs.filter((job) => job.status === "Pending");
  const own = pending.filter((job) => job.account_id === account.id).length;
  const ofKey = pending.filter((job) => job.key_id === key.id).length;
  const ready = jobs.filter((job) => job.state === "queued").length;
  const fits =
    own + count <= Math.min(config.maxPending, max_queued) &&
    ofKey + count <= (key.limits.max_queued ?? Number.POSITIVE_INFINITY) &&
    ready + count <= config.maxReady;
  demand("a create is let in iff there is room", fits === (kind === "created"), () =>
    [`${count} of ${account.id}: ${kind}, with ${own} pending, ${ofKey} of its key, ${ready} ready`].join(" "),
  );
}
