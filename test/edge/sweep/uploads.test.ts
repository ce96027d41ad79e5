/** Uploads that were begun and never learnt of, in the managed bucket and in accounts' own (docs/decisions/029). */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { openManagedStore, openStore } from "../../../edge/storage/open-store.ts";
import { sweepUploads } from "../../../edge/sweep/uploads.ts";
import type { Storage } from "../../../shared/contract/storage.ts";
import { extractedInfo, TestNode } from "../fleet-node.ts";
import { newBucket, s3, s3Storage, useStorage } from "../storage/support.ts";
import { type Account, newAccount } from "../support.ts";
import { DAY, keptLog, MINUTE, withDays } from "./support.ts";

let account: Account;
let bucket: string;
beforeEach(async () => {
  // What other tests have configured is none of this one's.
  await env.DB.prepare("UPDATE targets SET swept_at = ?")
    .bind(Date.now() + 99 * DAY)
    .run();
  account = await newAccount();
  bucket = newBucket("uploads");
});

const sweep = (changes: Parameters<typeof withDays>[0] = {}, inMs = 0, log = keptLog().log) =>
  sweepUploads(withDays(changes), log, Date.now() + inMs);
const open = async () => (await s3.look(bucket)).uploads.sort();

/** Uploads whose begin was never answered to anybody. */
async function beginUnheard(...keys: string[]): Promise<void> {
  const store = openStore({ provider: "s3", ...s3Storage(bucket) } as Storage, env);
  for (const key of keys) await store.begin({ key, job: "j", token: "1.1", contentType: "video/mp4", size: 10 });
}

async function runningJob(): Promise<string> {
  const id = await account.createJob({ filename: "running" });
  const node = await TestNode.online(account);
  await node.job(await node.take(), "extracted", { result: { kind: "single", info: extractedInfo() } });
  await account.api("GET", "/jobs");
  return id;
}

describe("in a bucket that an account has configured", () => {
  it("those of a week ago go, below our folder and with names that we give; a running job keeps its own", async () => {
    await useStorage(account, bucket, { folder_prefix: "in" });
    const ours = ["in/videos/talks/lost.mp4", "in/videos/lost.en.vtt", "in/videos/lost.info.json"];
    const others = ["in/videos/backup.tar", "in/other/lost.mp4", "lost.mp4"];
    await beginUnheard(...ours, ...others);
    await s3.age(bucket, 8 * DAY);
    await beginUnheard("in/videos/young.mp4");
    await runningJob();
    expect(await sweep()).toEqual({ ended: 3 });
    expect(await open()).toEqual([...others, "in/videos/running.mp4", "in/videos/young.mp4"].sort());
  });

  it("nothing goes that is younger than the oldest attempt of the account", async () => {
    await useStorage(account, bucket);
    await beginUnheard("videos/lost.mp4");
    await s3.age(bucket, 8 * DAY);
    const id = await runningJob();
    await env.DB.prepare("UPDATE jobs SET started_at = ? WHERE id = ?")
      .bind(Date.now() - 9 * DAY, id)
      .run();
    expect(await sweep()).toEqual({ ended: 0 });
    expect(await open()).toContain("videos/lost.mp4");
    await account.api("DELETE", `/jobs/${id}?force=true`);
    expect(await sweep({}, DAY + MINUTE)).toEqual({ ended: 1 });
  });

  it("is searched once a day, and not any more once it is not configured", async () => {
    await useStorage(account, bucket);
    await sweep();
    await beginUnheard("videos/lost.mp4");
    await s3.age(bucket, 8 * DAY);
    expect(await sweep({}, DAY - MINUTE)).toEqual({ ended: 0 });
    expect((await account.api("DELETE", "/user/s3")).status).toBe(200);
    expect(await sweep({}, DAY + MINUTE)).toEqual({ ended: 0 });
    expect(await open()).toEqual(["videos/lost.mp4"]);
  });

  it("that cannot be listed does not keep others from their turn", async () => {
    await useStorage(account, bucket);
    const denied = bucket;
    await s3.fail({ operation: "list", bucket: denied, times: 1, how: { status: 403, code: "AccessDenied" } });
    bucket = newBucket("uploads");
    account = await newAccount();
    await useStorage(account, bucket);
    await beginUnheard("videos/lost.mp4");
    await s3.age(bucket, 8 * DAY);
    const { log, lines } = keptLog();
    expect(await sweep({}, 0, log)).toEqual({ ended: 1 });
    expect(lines).toEqual([["info uploads.not_listed", { target: expect.any(String), code: "AccessDenied" }]]);
  });
});

describe("in managed storage", () => {
  const r2 = {
    TRAWL_STORE: "r2",
    TRAWL_R2_ACCOUNT: "acc",
    TRAWL_R2_KEY_ID: "AKmanaged",
    TRAWL_R2_SECRET: "secret-of-AKmanaged",
    TRAWL_R2_BUCKET: "b-r2-managed",
  };

  it("that speaks S3 those of two days ago go, whoever's they are, and nothing that is not ours", async () => {
    const store = openManagedStore(withDays(r2));
    const begin = (key: string) => store.begin({ key, job: "j", token: "1.1", contentType: "video/mp4", size: 10 });
    const keys = ["videos/first.mp4", "@acct/videos/other.mp4", "backups/videos/a.mp4", "videos/a.zip"];
    for (const key of keys) await begin(key);
    await s3.age("b-r2-managed", 2 * DAY + MINUTE);
    await begin("videos/young.mp4");
    await env.DB.prepare("DELETE FROM sweeps").run();
    expect(await sweep(r2)).toEqual({ ended: 2 });
    expect((await s3.look("b-r2-managed")).uploads.sort()).toEqual(
      ["backups/videos/a.mp4", "videos/a.zip", "videos/young.mp4"].sort(),
    );
    await s3.age("b-r2-managed", 3 * DAY);
    expect(await sweep(r2, DAY - MINUTE)).toEqual({ ended: 0 });
    expect(await sweep(r2, DAY + MINUTE)).toEqual({ ended: 1 });
  });

  it("that lists none is left to itself", async () => {
    await env.DB.prepare("DELETE FROM sweeps").run();
    expect(await sweep()).toEqual({ ended: 0 });
  });
});
