/**
 * Moves what is sealed under an older key of `TRAWL_KEK` to the first one, so that the older can go (docs/decisions/121).
 * A round passes every place that holds sealed records, in bounded runs; a round that found none but the first key's says
 * that nothing is left.
 */
import { everyPartition } from "../auth/choose-partition.ts";
import { secretBoxOf } from "../auth/secret-box.ts";
import {
  accountAfter,
  closeSealedCount,
  countSealed,
  dropSealedCount,
  resealColumn,
  SETTINGS_SEALS,
  WORK_SEALS,
} from "../db/seals.ts";
import { readWalk, writeWalk } from "../db/sweeps.ts";
import type { Env } from "../env.ts";
import { errorText, type Log } from "../log.ts";
import type { SealPage } from "../seals/plan.ts";
import type { Counted } from "./step.ts";

/** Pages of one run, of some hundred records each: all calls of a Worker's run are a thousand. */
const MAX_PAGES_PER_RUN = 40;
/** A copy may have passed a round by: it is looked again soon, until a round finds nothing. */
const REST_MS = 60_000;
/** … and then rarely: whoever writes seals with the first key. */
const REST_CLEAN_MS = 6 * 60 * 60_000;

/** Where a round stands. */
interface Position {
  stage: number;
  /** Within the stage: a column's number, a partition's name, an account's id. */
  place: string;
  /** Within the place; null: the next place is to be found. */
  cursor: string | null;
  /** Some place did not answer: the round counts for nothing. */
  missed: boolean;
}

interface Stage {
  /** The place after this one; null: that was the last. */
  after(place: string): Promise<string | null>;
  page(place: string, cursor: string): Promise<SealPage>;
}

/** One bounded run. Nothing to do while `TRAWL_KEK` has one key only: there is none to move from. */
export async function sweepSeals(
  env: Env,
  log: Log,
  now: number,
  maxPages: number = MAX_PAGES_PER_RUN,
): Promise<Counted> {
  if ((env.TRAWL_KEK ?? "") === "") return {};
  const box = secretBoxOf(env);
  const [first = ""] = box.ids;
  if (box.ids.length < 2) return {};
  // A new first key begins anew at once.
  const name = `seals ${first}`;
  const walk = await readWalk(env.DB, name);
  if (walk.rest_until > now) return {};
  const position: Position =
    walk.after_id === ""
      ? { stage: 0, place: "", cursor: null, missed: false }
      : (JSON.parse(walk.after_id) as Position);
  const stages = stagesOf(env);
  if (walk.after_id === "") await dropSealedCount(env.DB);
  let moved = 0;
  for (let pages = 0; pages < maxPages; pages++) {
    const stage = stages[position.stage];
    if (stage === undefined) {
      const rest = await closeRound(env, log, box.ids, position, now);
      await writeWalk(env.DB, name, { after_time: 0, after_id: "", rest_until: now + rest });
      return { moved };
    }
    moved += await step(env, log, stage, position);
    await writeWalk(env.DB, name, { after_time: 0, after_id: JSON.stringify(position), rest_until: 0 });
  }
  return { moved };
}

/** One page, of the next place if the last one is through. Returns how many records it moved. */
async function step(env: Env, log: Log, stage: Stage, position: Position): Promise<number> {
  if (position.cursor === null) {
    const place = await stage.after(position.place);
    if (place === null) {
      Object.assign(position, { stage: position.stage + 1, place: "" });
      return 0;
    }
    Object.assign(position, { place, cursor: "" });
  }
  try {
    const page = await stage.page(position.place, position.cursor ?? "");
    // Before the position: a run that breaks off in between counts twice, and never too little.
    await countSealed(env.DB, page.found);
    position.cursor = page.next;
    return page.moved;
  } catch (error) {
    // One that does not answer must not keep the others from their turn.
    log("warn", "seals.not_moved", { place: position.place, error: errorText(error) });
    Object.assign(position, { cursor: null, missed: true });
    return 0;
  }
}

/** Returns how long to rest. */
async function closeRound(
  env: Env,
  log: Log,
  keks: readonly string[],
  { missed }: Position,
  now: number,
): Promise<number> {
  if (missed) {
    await dropSealedCount(env.DB);
    return REST_MS;
  }
  const records = await closeSealedCount(env.DB, keks, now);
  const old = Object.entries(records).filter(([kek, n]) => kek !== keks[0] && n > 0);
  log("info", "seals.counted", { first: keks[0] ?? "", old: old.reduce((sum, [, n]) => sum + n, 0) });
  return old.length === 0 ? REST_CLEAN_MS : REST_MS;
}

/** What is copied comes before its copies; what objects write to D1, after them. */
function stagesOf(env: Env): Stage[] {
  return [
    columns(env, SETTINGS_SEALS),
    {
      after: async (place) => (await everyPartition(env)).toSorted().find((name) => name > place) ?? null,
      page: async (place, cursor) => env.PARTITION.getByName(place).adminReseal(cursor),
    },
    {
      after: (place) => accountAfter(env.DB, place),
      page: async (place, cursor) => env.COURIER.getByName(place).reseal(cursor),
    },
    columns(env, WORK_SEALS),
  ];
}

function columns(env: Env, list: typeof SETTINGS_SEALS): Stage {
  return {
    after: async (place) => {
      const next = place === "" ? 0 : Number(place) + 1;
      return next < list.length ? String(next) : null;
    },
    page: async (place, cursor) => {
      const column = list[Number(place)];
      if (column === undefined) return { found: {}, moved: 0, next: null };
      return resealColumn(env.DB, secretBoxOf(env), column, cursor);
    },
  };
}
