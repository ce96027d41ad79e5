/** A courier under test: its own account, a clock that only the test moves, and what its receivers were sent. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Courier } from "../../../edge/courier/courier.ts";
import { deriveId } from "../../../edge/courier/derive-id.ts";
import type { Notice } from "../../../edge/courier/notice.ts";
import type { Received } from "../../courier/fake-receiver.ts";
import { type Account, newAccount } from "../support.ts";

/** Far ahead of the platform's clock: no alarm fires by itself. */
export const START = 4_102_444_800_000;
export const SECOND = 1_000;
export const DAY = 24 * 60 * 60 * SECOND;
/** Long enough for an answer of the fake receiver on a busy machine, short enough to wait for. */
export const TIMEOUT_MS = 1_500;

let keys = 0;

/** A key of the fake receiver that nobody else uses. */
export function newKey(name = "hook"): string {
  keys += 1;
  return `${name}-${crypto.randomUUID().slice(0, 8)}-${keys}`;
}

/** The URL of a receiver that answers so, one behaviour a request; the last repeats. */
export function receiver(behaviours: string, key: string): string {
  return `https://hooks.test/r/${behaviours}/${key}`;
}

/** What a receiver was sent. */
export async function received(key: string): Promise<Received[]> {
  return (await fetch(`https://receiver.fake/requests/${key}`)).json<Received[]>();
}

/** Keys in the order in which their requests came. */
export async function arrivals(prefix: string): Promise<string[]> {
  return (await fetch(`https://receiver.fake/arrivals/${prefix}`)).json<string[]>();
}

export interface DeliveryView {
  id: string;
  type: string;
  job_id: string | null;
  batch_id: string | null;
  url: string;
  status: string;
  attempts: number;
  last_status_code: number | null;
  last_error: string | null;
  response_time_ms: number | null;
  next_attempt_at: number | null;
  created_at: number;
  finished_at: number | null;
}

export class TestCourier {
  readonly account: Account;
  now = START;
  /** 0.5: no jitter. */
  random = 0.5;

  private constructor(account: Account) {
    this.account = account;
  }

  static async open(): Promise<TestCourier> {
    const courier = new TestCourier(await newAccount());
    await courier.enter();
    return courier;
  }

  get stub(): DurableObjectStub<Courier> {
    return env.COURIER.getByName(this.account.id);
  }

  /** Puts the test's clock into the object; again after an eviction. */
  async enter(): Promise<void> {
    await runInDurableObject(this.stub, (courier) => {
      courier.world = { now: () => this.now, random: () => this.random, timeoutMs: TIMEOUT_MS };
    });
  }

  async notice(wish: Partial<Notice> = {}): Promise<Notice> {
    const job = wish.job_id === undefined ? crypto.randomUUID() : wish.job_id;
    const type = wish.type ?? "job_completed";
    return {
      id: await deriveId({ subject: job ?? wish.batch_id ?? "", createdAt: this.now, type }),
      account_id: this.account.id,
      channel: "webhook",
      type,
      job_id: job,
      batch_id: null,
      url: receiver("200", newKey()),
      body: JSON.stringify({ type, job_id: job, s3_url: "https://files.test/f/secret-link" }),
      created_at: this.now,
      batch_rank: null,
      ...wish,
    };
  }

  accept(...notices: Notice[]): Promise<number> {
    return this.stub.accept(this.account.id, notices) as unknown as Promise<number>;
  }

  /** Runs the alarm, if it is armed for now or earlier, and waits for all that it began. */
  async run(): Promise<boolean> {
    const at = await this.alarmAt();
    if (at === null || at > this.now) return false;
    await runDurableObjectAlarm(this.stub);
    await runInDurableObject(this.stub, (courier) => courier.settled());
    return true;
  }

  /** Turns the clock to the next alarm and runs it. */
  async skip(): Promise<void> {
    this.now = Math.max(this.now, (await this.alarmAt()) ?? this.now);
    await this.run();
  }

  alarmAt(): Promise<number | null> {
    return runInDurableObject(this.stub, (_, state) => state.storage.getAlarm());
  }

  async list(query = ""): Promise<DeliveryView[]> {
    const answer = await this.account.api<{ webhooks: DeliveryView[] }>("GET", `/webhooks${query}`);
    return answer.body.webhooks;
  }

  /** The log's entry, as `GET /webhooks` shows it. */
  async entry(id: string): Promise<DeliveryView | undefined> {
    return (await this.list("?limit=100")).find((entry) => entry.id === id);
  }

  /** The object's own rows. */
  rows(): Promise<Record<string, SqlStorageValue>[]> {
    return runInDurableObject(this.stub, (_, state) =>
      state.storage.sql.exec("SELECT * FROM deliveries ORDER BY seq").toArray(),
    );
  }

  async secret(): Promise<string> {
    const answer = await this.account.api<{ webhook_signing_secret: string }>("GET", "/user/webhook-secret");
    return answer.body.webhook_signing_secret;
  }
}
