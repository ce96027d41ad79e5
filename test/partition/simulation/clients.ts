/** Clients of the jobs API: they create and cancel, repeat what was not answered, and believe only what was acknowledged. */
import type { NewBatch } from "../../../edge/partition/batches.ts";
import type { AccountFacts, NewJob } from "../../../edge/partition/create.ts";
import type { IdempotencyKey } from "../../../edge/partition/idempotency.ts";
import { getJob } from "../../../edge/partition/move.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import { checkAdmission } from "./admission-check.ts";
import type { Host } from "./host.ts";
import { call, type Reply } from "./network.ts";
import { keyOf } from "./tenants.ts";
import { drawBatch, drawJob } from "./wishes.ts";
import { Violation, type World } from "./world.ts";

const CREATE_TRIES = 3;
const KEYED_TRIES = 12;

const KNOWN = "SELECT 1 AS x FROM jobs WHERE id = ?1 UNION ALL SELECT 1 FROM outcomes WHERE job_id = ?1";

interface Made {
  jobs: NewJob[];
  batch: NewBatch | null;
}

/** The body of a create, as far as it matters: the ids. */
type Answer = { body: string } | "unavailable";

export class Clients {
  readonly #world: World;
  readonly #host: Host;
  /** Jobs that a client has a 201 for. */
  readonly acknowledged = new Set<string>();
  /** The body that each idempotency key was answered with. */
  readonly answers = new Map<string, string>();
  /** Keys whose request has given up since anyone asked. */
  readonly #freed = new Set<string>();

  readonly #accounts: readonly AccountFacts[];

  /** @param accounts whose jobs somebody may run. */
  constructor(world: World, host: Host, accounts: readonly AccountFacts[]) {
    this.#world = world;
    this.#host = host;
    this.#accounts = accounts;
  }

  create(): void {
    const { random } = this.#world;
    const account = random.pick(this.#accounts);
    const isBatch = random.chance(0.2);
    const make = (): Made => (isBatch ? drawBatch(this.#world, account) : drawJob(this.#world, account));
    if (random.chance(0.5)) this.#keyed(account, `k${this.#world.steps}-${random.below(1_000_000)}`, make);
    else this.#plain(account, make());
  }

  // --- without an idempotency key: the ids stay the same

  #plain(account: AccountFacts, made: Made): void {
    const { random, timeline } = this.#world;
    // A repeat is safe because the partition remembers for 24 h what it made; a wipe takes that memory along.
    const { wipes } = this.#host;
    const send = (tries: number): void =>
      call<Answer>(
        this.#world,
        (reply) =>
          this.#host.handle(
            () => (this.#host.wipes === wipes ? this.#insert(account, made, null, reply) : reply("unavailable")),
            () => reply(null),
          ),
        (answer) => {
          if (answer !== null && answer !== "unavailable") this.#created(account.id, made);
          else if (tries > 1) timeline.in(random.ms(100, 5_000), () => send(tries - 1));
        },
      );
    send(CREATE_TRIES);
  }

  // --- with one: each request mints its own ids, and only those of one may live

  #keyed(account: AccountFacts, key: string, make: () => Made): void {
    const { random, timeline } = this.#world;
    const send = (tries: number): void =>
      call<Answer>(
        this.#world,
        (reply) => this.#begin(account, key, make, reply),
        (answer) => {
          if (answer !== null && answer !== "unavailable") {
            this.#answered(account, key, answer.body);
            // The client forgets that it was answered, long after its jobs have ended.
            if (random.chance(0.3)) timeline.in(random.ms(0, 15 * 60_000), () => send(1));
            if (random.chance(0.2)) timeline.in(random.ms(0, 60_000), () => this.#misuse(account, key));
          } else if (tries > 1) timeline.in(random.ms(100, 60_000), () => send(tries - 1));
        },
      );
    send(KEYED_TRIES);
  }

  /** As `submit.ts`: the key is taken, the list is asked for, the jobs are inserted; each is a call of its own. */
  #begin(account: AccountFacts, key: string, make: () => Made, reply: Reply<Answer>): void {
    const { api, random, timeline } = this.#world;
    const owner = random.uuid(this.#world.now);
    const record = { account: account.id, keyId: keyOf(account).id, key, fingerprint: "same", owner };
    this.#host.handle(
      () => {
        const start = this.#host.turn((turn) => api.beginIdempotent(turn, record));
        const left = this.#freed.delete(`${account.id} ${key}`) && start.kind === "running";
        if (left) throw new Violation(`a request that has failed leaves its key: ${key}`);
        if (start.kind === "replay") {
          const { body } = start;
          this.#host.drains.passed(start.event, (passed) => reply(passed ? { body } : "unavailable"));
        } else if (start.kind !== "run") {
          reply("unavailable");
        } else {
          timeline.in(random.chance(0.2) ? random.ms(0, 60_000) : random.ms(1, 50), () => {
            if (random.chance(0.05)) return this.#giveUp(record, reply);
            const made = make();
            for (const job of made.jobs) Object.assign(job, { idempotency_key: key, idempotency_fingerprint: "same" });
            this.#host.handle(
              () => this.#insert(account, made, record, reply),
              () => reply(null),
            );
          });
        }
      },
      () => reply(null),
    );
  }

  /** Its list could not be had, say: the key is free again for whoever comes next. */
  #giveUp(record: IdempotencyKey, reply: Reply<Answer>): void {
    const { api, now } = this.#world;
    this.#host.handle(
      () => {
        const owned = this.#host.turn((turn) => api.ownsKey(turn, record));
        this.#host.turn((turn) => api.freeKey(turn, record));
        if (owned) this.#freed.add(`${record.account} ${record.key}`);
        this.#world.note(`key ${record.key} given up, ${now}`);
        reply("unavailable");
      },
      () => reply(null),
    );
  }

  /** The key of an answered create with another body: it is told so, and gets nobody's jobs. */
  #misuse(account: AccountFacts, key: string): void {
    const { api, random, now } = this.#world;
    const record = {
      account: account.id,
      keyId: keyOf(account).id,
      key,
      fingerprint: "another",
      owner: random.uuid(now),
    };
    this.#host.handle(
      () => {
        const { kind } = this.#host.turn((turn) => api.beginIdempotent(turn, record));
        if (kind !== "mismatch") throw new Violation(`a key is its body's alone: ${key} with another one: ${kind}`);
      },
      () => {},
    );
  }

  #insert(account: AccountFacts, { jobs, batch }: Made, record: IdempotencyKey | null, reply: Reply<Answer>): void {
    const { api } = this.#world;
    const body = JSON.stringify(jobs.map((job) => job.id));
    const last = this.#host.turn((turn) => {
      if (record !== null && !api.ownsKey(turn, record)) return null;
      const isNew = turn.sql.get(KNOWN, jobs[0]?.id ?? "") === undefined;
      const admitted = () => {
        if (batch !== null) api.createBatch(turn, batch);
      };
      const result = api.createJobs(turn, account, jobs, admitted, keyOf(account));
      if (isNew) checkAdmission(this.#world, this.#host.watcher.tables, account, jobs.length, result.kind);
      if (result.kind === "full") return null;
      const event = Math.max(...result.events);
      if (record !== null) api.finishIdempotent(turn, record, body, event);
      return event;
    });
    // As `submit.ts` does after whatever went wrong. A key whose jobs were made keeps its answer.
    const refuse = () => {
      if (record !== null) this.#host.turn((turn) => api.freeKey(turn, record));
      reply("unavailable");
    };
    if (last === null) refuse();
    else this.#host.drains.passed(last, (passed) => (passed ? reply({ body }) : refuse()));
  }

  #answered(account: AccountFacts, key: string, body: string): void {
    const first = this.answers.get(key);
    if (first !== undefined && first !== body) {
      throw new Violation(`a key creates once: ${key} was answered ${first}, then ${body}`);
    }
    this.answers.set(key, body);
    const jobs = (JSON.parse(body) as string[]).map((id) => ({ id }));
    if (first === undefined) this.#created(account.id, { jobs, batch: null });
  }

  // --- what follows

  #created(account: string, { jobs, batch }: { jobs: { id: string }[]; batch: NewBatch | null }): void {
    const { random, timeline } = this.#world;
    for (const { id } of jobs) {
      this.acknowledged.add(id);
      this.#world.note(`create of job ${id} acknowledged`);
      if (random.chance(jobs.length > 1 ? 0.05 : 0.25)) {
        timeline.in(random.ms(0, 120_000), () => this.#cancel(account, id));
      }
      if (random.chance(0.06)) timeline.in(random.ms(0, 120_000), () => this.#hold(account, id));
    }
    if (batch === null) return;
    if (random.chance(0.2)) timeline.in(random.ms(0, 240_000), () => this.#cancelBatch(account, batch.id));
    if (batch.paused) timeline.in(random.ms(0, 240_000), () => this.startBatch(account, batch.id));
  }

  /** Puts a job on hold for a while. */
  #hold(account: string, job: string): void {
    const { random, timeline, api } = this.#world;
    this.#host.handle(
      () => {
        const { kind } = this.#host.turn((turn) => api.holdJob(turn, account, job));
        this.#world.note(`hold of job ${job}: ${kind}`);
        if (kind === "done") timeline.in(random.ms(1_000, 240_000), () => this.#start(account, job));
      },
      () => {},
    );
  }

  #start(account: string, job: string): void {
    this.#host.handle(
      () => {
        const { kind } = this.#host.turn((turn) => this.#world.api.startJob(turn, account, job));
        this.#world.note(`start of job ${job}: ${kind}`);
      },
      () => {},
    );
  }

  startBatch(account: string, batch: string): void {
    this.#host.handle(
      () => {
        this.#host.turn((turn) => this.#world.api.startBatch(turn, account, batch));
      },
      () => {},
    );
  }

  /** The chaos is over: whoever forgot a paused batch or account, or a job on hold, remembers it. */
  startForgotten(): void {
    if (this.#host.isUp) {
      const paused = this.#host.core.sql.all<{ id: string; account_id: string }>(
        "SELECT id, account_id FROM batches WHERE status = 'paused'",
      );
      for (const batch of paused) this.startBatch(batch.account_id, batch.id);
      const held = this.#host.core.sql.all<{ id: string; account_id: string }>(
        "SELECT id, account_id FROM jobs WHERE state = 'held'",
      );
      for (const job of held) this.#start(job.account_id, job.id);
      for (const account of this.#world.accounts) this.#setPaused(account, false);
    }
    this.#world.timeline.in(60_000, () => this.startForgotten());
  }

  /** Pauses an account for a while. */
  pause(): void {
    const { random, timeline, accounts } = this.#world;
    const account = random.pick(accounts);
    this.#setPaused(account, true);
    timeline.in(random.ms(1_000, 240_000), () => this.#setPaused(account, false));
  }

  #setPaused(account: AccountFacts, paused: boolean): void {
    const { watcher } = this.#host;
    this.#host.handle(
      () => {
        const event = this.#host.turn((turn) => this.#world.api.setPaused(turn, account, paused));
        this.#world.note(`account ${account.id} paused=${paused}: ${event}`);
        if (event === null) return;
        watcher.pauses.asked(account.id, paused, event);
        this.#host.drains.passed(event, (passed) => {
          if (passed) watcher.pauses.acknowledged(account.id, event);
        });
      },
      () => {},
    );
  }

  /** Whoever knows an id of another account's can do nothing with it. */
  #meddle(account: string, job: string): void {
    const { api, accounts, random } = this.#world;
    const other = random.pick(accounts.filter((each) => each.id !== account)).id;
    this.#host.handle(
      () => {
        const { kind } = this.#host.turn((turn) => api.cancelJob(turn, other, job, true));
        if (kind !== "unknown") throw new Violation(`an account's jobs are its own: ${other} cancels ${job}: ${kind}`);
      },
      () => {},
    );
  }

  #cancelBatch(account: string, batch: string): void {
    const force = this.#world.random.chance(0.5);
    this.#host.handle(
      () => {
        this.#host.turn((turn) => this.#world.api.cancelBatch(turn, account, batch, force));
      },
      () => {},
    );
  }

  #cancel(account: string, job: string): void {
    const force = this.#world.random.chance(0.5);
    if (this.#world.random.chance(0.2)) this.#meddle(account, job);
    call<boolean>(
      this.#world,
      (reply) =>
        this.#host.handle(
          () => {
            const before = this.#host.turn((turn) => getJob(turn, job)?.state);
            const result = this.#host.turn((turn) => this.#world.api.cancelJob(turn, account, job, force));
            this.#world.note(`cancel of job ${job} (${before}): ${result.kind}`);
            if (result.kind !== "cancelled") return reply(false);
            if (before === undefined || isTerminal(before)) throw new Error(`cancelled what was ${before}`);
            this.#host.drains.passed(result.event, (passed) => {
              // The client hears of it, or not; the edge has said it.
              this.#world.note(`cancel of job ${job} passed: ${passed}`);
              if (passed) this.#host.watcher.cancelAcknowledged(job);
              reply(passed);
            });
          },
          () => reply(null),
        ),
      () => {},
    );
  }
}
