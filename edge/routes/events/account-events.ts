/** The account's stream, however it is carried: missed events or a reset, then everything live (jobs API 7). */
import type { Caller } from "../../auth/authenticate.ts";
import { type LiveEvents, openLiveEvents } from "../../events/live-events.ts";
import type { AppContext } from "../http.ts";
import { callerFacts, callPartition } from "../jobs/job-access.ts";

export async function openAccountEvents(
  context: AppContext,
  caller: Caller,
  since: number | null,
): Promise<LiveEvents> {
  const { account } = caller;
  return openLiveEvents(context.env.EVENT_STREAM.getByName(account.id), {
    filter: { job: null, batch: null, key: caller.keyId },
    until: caller.expiresAt,
    async opening() {
      const scope = { kind: "account" } as const;
      const { newest, missed } = await callPartition(context.env, caller.partition, async (stub) =>
        stub.openStream(callerFacts(caller), scope, since),
      );
      if (since === null) return { first: [], after: newest, done: false };
      if (missed !== null) return { first: missed, after: Number(missed.at(-1)?.id ?? since), done: false };
      // Too old: the client reads its lists again.
      const reset = { id: String(newest), type: "stream.reset", time: Date.now() };
      return { first: [reset], after: newest, done: false };
    },
    isLast: () => false,
  });
}
