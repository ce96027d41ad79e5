/** The real `Partition` object by its RPC methods, as the Worker calls it, with the clock and its life in the test's hand. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { JobRow } from "../../../edge/partition/job-row.ts";
import type { Partition } from "../../../edge/partition/partition.ts";
import { account, identity, type JobWish, newJob } from "../../partition/fixtures.ts";
import { call, ORIGIN, store } from "../support.ts";

export const NODE = identity("6f4d3c1e-0000-4000-8000-000000000001", { name: "fra-07" });
export const BYTES = "the media file";

let serial = 0;

export class LivePartition {
  readonly name = `p1:test:${++serial}-${crypto.randomUUID()}`;
  readonly account = account(`acct-${crypto.randomUUID()}`);

  /** A new one each time, as the Worker does it: the stub of an object that has ended is dead. */
  get stub(): DurableObjectStub<Partition> {
    return env.PARTITION.getByName(this.name);
  }

  evict(): Promise<void> {
    return evictDurableObject(this.stub);
  }

  /** The alarm that is armed, run now. False: none was armed. */
  alarm(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub);
  }

  /** D1 knows the account, so that a rebuild finds it. */
  async register(): Promise<void> {
    await env.DB.prepare(
      "INSERT INTO accounts (id, name, partition, store_prefix, created_at) VALUES (?1, ?1, ?2, ?3, 0)",
    )
      .bind(this.account.id, this.name, this.account.store_prefix)
      .run();
  }

  async create(wish: JobWish = {}): Promise<string> {
    const job = newJob(crypto.randomUUID(), this.account.id, { created_at: Date.now(), ...wish });
    const outcome = await this.stub.create({
      account: this.account,
      key: null,
      jobs: [job],
      batch: null,
      target: null,
      idempotency: null,
    });
    if (outcome !== "created") throw new Error(`create: ${outcome}`);
    return job.id;
  }

  async lease(requestId: string = crypto.randomUUID()) {
    const answer = await this.stub.nodeLease(NODE, { request_id: requestId, slots: { download: 4, live: 0 } });
    if ("refused" in answer) throw new Error(answer.refused);
    return answer.jobs.map(({ job, token }) => ({ job, token }));
  }

  /** Uploads the media file and gives the manifest's entry. */
  async upload(ticket: { upload_id: string; urls: { url: string }[] }) {
    const url = new URL(ticket.urls[0]?.url ?? "", ORIGIN);
    const put = await call(url.pathname + url.search, { method: "PUT", body: BYTES });
    if (!put.ok) throw new Error(`PUT: ${put.status}`);
    return { part_number: 1, etag: put.headers.get("etag") ?? "", size: BYTES.length };
  }

  /** As the partition has it, or D1 once it has left. */
  async job(id: string): Promise<JobRow | null> {
    const live = await this.stub.readJob(this.account.id, id);
    return (live?.row as JobRow | undefined) ?? this.stored(id);
  }

  stored(id: string): Promise<JobRow | null> {
    return env.DB.prepare("SELECT * FROM jobs WHERE id = ?").bind(id).first<JobRow>();
  }

  /** Looks into the object's storage. */
  rows<Row extends Record<string, SqlStorageValue>>(query: string): Promise<Row[]> {
    return runInDurableObject(this.stub, (_, state) => state.storage.sql.exec<Row>(query).toArray());
  }
}

/** The keys that lie in the store below an account's prefix. */
export async function storedKeys(prefix: string): Promise<string[]> {
  const { objects } = await store<{ objects: string[] }>("GET", "state");
  return objects.filter((key) => key.startsWith(prefix));
}

/** Moves the clock of Worker and object; timers go on as they are. */
export function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}
