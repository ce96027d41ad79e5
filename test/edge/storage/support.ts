/** What the tests of the accounts' own storage share: buckets of the fake S3, and jobs that deliver there. */
import { expect, vi } from "vitest";
import { FAKE_S3, FAKE_S3_CONTROL, type S3Control, type S3Look } from "../../storage/s3/control.ts";
import { sha256Hex, TestNode } from "../fleet-node.ts";
import type { Account, Json } from "../support.ts";

let buckets = 0;

/** A name that no other test of this file uses; each file has a prefix of its own. */
export function newBucket(prefix: string): string {
  buckets++;
  return `b-${prefix}-${buckets}`;
}

export function s3Storage(bucket: string, changes: Json = {}): Json {
  const access_key = `AK${bucket}`;
  return {
    endpoint: FAKE_S3,
    bucket,
    region: "us-east-1",
    access_key,
    secret_key: `secret-of-${access_key}`,
    ...changes,
  };
}

async function control<Answer>(what: S3Control): Promise<Answer> {
  const answer = await fetch(FAKE_S3_CONTROL, { method: "POST", body: JSON.stringify(what) });
  return (await answer.json()) as Answer;
}

/** The server, past the Worker. */
export const s3 = {
  look: (bucket: string) => control<S3Look>({ do: "look", bucket }),
  put: (bucket: string, key: string, text: string) => control<Json>({ do: "put", bucket, key, text }),
  age: (bucket: string, byMs: number) => control<Json>({ do: "age", bucket, byMs }),
  deny: (accessKey: string, denied = true) => control<Json>({ do: "deny", accessKey, denied }),
  fail: (fault: Extract<S3Control, { do: "fail" }>["fault"]) => control<Json>({ do: "fail", fault }),
};

export async function useStorage(account: Account, bucket: string, changes: Json = {}): Promise<void> {
  const answer = await account.api("POST", "/user/s3", s3Storage(bucket, changes));
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

export interface JobBody extends Json {
  id: string;
  status: string;
  error: string | null;
  s3_url: string | null;
  files: { key: string; url: string | null; size: number; sha256: string }[];
}

export async function readJob(account: Account, id: string): Promise<JobBody> {
  return (await account.api<JobBody>("GET", `/jobs/${id}`)).body;
}

/** Waits for what goes on behind an answer; the machine may be busy with other things. */
export function eventually<Result>(check: () => Promise<Result>): Promise<Result> {
  return vi.waitFor(check, 15_000);
}

export function untilStatus(account: Account, id: string, status: string): Promise<JobBody> {
  return eventually(async () => {
    const job = await readJob(account, id);
    expect(job.status, JSON.stringify(job.error)).toBe(status);
    return job;
  });
}

/** Creates a job, delivers these bytes as its file, and reads it when it has ended. */
export async function deliver(account: Account, bytes: string, body: Json = {}, info: Json = {}): Promise<JobBody> {
  const id = await account.createJob(body);
  const node = await TestNode.online(account);
  expect((await node.deliver(await node.take(), bytes, info)).status).toBe(200);
  const job = await untilStatus(account, id, "Completed");
  const [file] = job.files;
  const encoded = new TextEncoder().encode(bytes);
  expect([file?.size, file?.sha256]).toEqual([encoded.length, await sha256Hex(encoded)]);
  return job;
}
