/** `/user/{s3,blob,gcs,oss}` and `/user/bucket` (jobs API 9.2): texts, statuses, the probe, what is shown. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { FAKE_SAS } from "../../storage/azure/fake-sas.ts";
import { type Account, call, type Json, newAccount, ORIGIN, refusal } from "../support.ts";
import { rowsNaming } from "../tables.ts";
import { deliver, newBucket, s3, s3Storage, useStorage } from "./support.ts";

let account: Account;
let bucket: string;
beforeEach(async () => {
  account = await newAccount();
  bucket = newBucket("configure");
});

const set = (changes: Json = {}, path = "/user/s3") => account.api("POST", path, s3Storage(bucket, changes));
const unset = (provider: string) => ({
  configured: false,
  provider,
  container_or_bucket: null,
  endpoint: null,
  region: null,
  folder_prefix: null,
  base_folder: null,
  access_key_masked: null,
  last_modified: null,
  source: null,
});

describe("POST /user/s3", () => {
  it("probes the bucket below the prefix, and answers without the secrets", async () => {
    const answer = await set({ folder_prefix: "downloads/2026" });
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        message: "S3 storage configured successfully",
        provider: "s3",
        container_or_bucket: bucket,
        folder_prefix: "downloads/2026",
      },
    ]);
    const { calls, objects } = await s3.look(bucket);
    const probe = "downloads/2026/verify_credentials.txt";
    expect([calls, objects]).toEqual([[`put ${probe}`, `delete ${probe}`], {}]);
  });

  it("answers no folder_prefix that was not sent", async () => {
    expect(Object.keys((await set()).body)).toEqual(["message", "provider", "container_or_bucket"]);
  });

  it("keeps nothing of the secret in clear", async () => {
    await set();
    expect(await rowsNaming(`secret-of-AK${bucket}`)).toEqual([]);
    expect((await rowsNaming(bucket)).length).toBeGreaterThan(0);
  });

  it.each([
    ["AccessDenied", async () => s3.deny(`AK${bucket}`), {}],
    ["NoSuchBucket", async () => {}, { bucket: "not-there" }],
    ["SignatureDoesNotMatch", async () => {}, { secret_key: "wrong" }],
    ["InvalidAccessKeyId", async () => {}, { access_key: "nobody" }],
    [
      "SlowDown",
      async () => s3.fail({ operation: "put", bucket, times: 1, how: { status: 503, code: "SlowDown" } }),
      {},
    ],
    ["unreachable", async () => s3.fail({ operation: "put", bucket, times: 1, how: "lost" }), {}],
  ])("refuses what does not stand the probe with the code %s, and saves nothing", async (code, spoil, changes) => {
    await spoil();
    const answer = await set(changes);
    expect(refusal(answer)).toEqual({ status: 400, error: `Credential validation failed: ${code}` });
    expect(answer.body.details).toEqual([{ field: expect.any(String), message: expect.stringContaining(": ") }]);
    expect((await account.api("GET", "/user/s3")).body).toEqual(unset("s3"));
  });

  it("tells which region the bucket is in, as the store says it", async () => {
    const answer = await set({ region: "eu-west-1" });
    expect(refusal(answer)).toEqual({
      status: 400,
      error: "Credential validation failed: AuthorizationHeaderMalformed",
    });
    expect(answer.body.details).toEqual([{ field: "region", message: expect.stringMatching(/\(region us-east-1\)$/) }]);
  });

  it.each([
    [{ endpoint: undefined }, "endpoint is required", "endpoint"],
    [{ endpoint: 5 }, "endpoint must be a string", "endpoint"],
    [{ endpoint: "ftp://s3.fake" }, "endpoint must be a valid http or https URL", "endpoint"],
    [{ endpoint: "https://user:pw@s3.fake" }, "endpoint must be a valid http or https URL", "endpoint"],
    [{ endpoint: "https://s3.fake/?x=1" }, "endpoint must be a valid http or https URL", "endpoint"],
    [{ endpoint: "http://127.0.0.1:9000" }, "endpoint must not point to a private address", "endpoint"],
    [{ endpoint: "http://169.254.169.254/" }, "endpoint must not point to a private address", "endpoint"],
    [{ bucket: null }, "bucket is required", "bucket"],
    [{ bucket: ".." }, "bucket is not a valid name", "bucket"],
    [{ bucket: "a/b" }, "bucket is not a valid name", "bucket"],
    [{ region: "" }, "region is required", "region"],
    [{ access_key: "a\r\nb" }, "access_key contains invalid characters", "access_key"],
    [{ folder_prefix: "/abs" }, "folder_prefix must not start with / or \\", "folder_prefix"],
    [{ folder_prefix: "a/../b" }, "folder_prefix must not contain ..", "folder_prefix"],
    [{ base_folder: "a\u0000b" }, "base_folder contains invalid characters", "base_folder"],
  ])("refuses %j", async (changes, error, field) => {
    expect(refusal(await set(changes))).toEqual({ status: 400, error, field });
    expect((await s3.look(bucket)).calls).toEqual([]);
  });

  it("names the first bad field in the order of the table, and lists all", async () => {
    const answer = await account.api("POST", "/user/s3", { endpoint: "x", access_key: 1 });
    expect(answer.body.error).toBe("endpoint must be a valid http or https URL");
    expect((answer.body.details as { field: string }[]).map((each) => each.field)).toEqual([
      "endpoint",
      "bucket",
      "region",
      "access_key",
      "secret_key",
    ]);
  });
});

describe("GET /user/s3", () => {
  it("shows what is configured, and of the key its last four characters", async () => {
    const began = Date.now();
    await set({
      folder_prefix: "downloads/2026",
      access_key: "AK0123456789ABCD",
      secret_key: "secret-of-AK0123456789ABCD",
    });
    const { body } = await account.api<{ last_modified: number }>("GET", "/user/s3");
    expect(body).toEqual({
      configured: true,
      provider: "s3",
      container_or_bucket: bucket,
      endpoint: "https://s3.fake",
      region: "us-east-1",
      folder_prefix: "downloads/2026",
      base_folder: "videos",
      access_key_masked: "****ABCD",
      last_modified: expect.any(Number),
      source: "keyvault",
    });
    expect(body.last_modified).toBeGreaterThanOrEqual(began);
    expect((await account.api("GET", "/user/oss")).body).toEqual(unset("oss"));
  });

  it("shows the newest configuration: another one replaces it", async () => {
    await set();
    await set({ base_folder: "media", region: "us-east-1" });
    expect((await account.api("GET", "/user/s3")).body).toMatchObject({ base_folder: "media" });
    const { results } = await env.DB.prepare("SELECT active_target FROM accounts WHERE id = ?").bind(account.id).all();
    expect(results).toHaveLength(1);
  });
});

describe("DELETE /user/s3", () => {
  it("removes the configuration, once", async () => {
    await set();
    const removed = await account.api("DELETE", "/user/s3");
    expect([removed.status, removed.body]).toEqual([200, { message: "S3 storage configuration removed" }]);
    expect((await account.api("GET", "/user/s3")).body).toEqual(unset("s3"));
    expect(refusal(await account.api("DELETE", "/user/s3"))).toEqual({
      status: 404,
      error: "S3 storage is not configured",
    });
  });

  it.each([
    ["blob", "Azure Blob storage is not configured"],
    ["gcs", "Google Cloud Storage is not configured"],
    ["oss", "Alibaba OSS storage is not configured"],
  ])("of %s does not touch an S3 configuration", async (provider, error) => {
    await set();
    expect(refusal(await account.api("DELETE", `/user/${provider}`))).toEqual({ status: 404, error });
    expect((await account.api("GET", "/user/s3")).body).toMatchObject({ configured: true });
    expect((await account.api("GET", `/user/${provider}`)).body).toEqual(unset(provider));
  });
});

describe("/user/bucket", () => {
  it("configures S3 under its older texts, and shows as legacy", async () => {
    const answer = await set({ folder_prefix: "x" }, "/user/bucket");
    expect([answer.status, answer.body]).toEqual([200, { message: "Bucket configuration updated successfully" }]);
    expect((await account.api("GET", "/user/s3")).body).toMatchObject({ configured: true, source: "legacy" });
    for (let times = 0; times < 2; times++) {
      const reset = await account.api("DELETE", "/user/bucket");
      expect([reset.status, reset.body]).toEqual([200, { message: "Bucket configuration reset to default" }]);
    }
    expect((await account.api("GET", "/user/s3")).body).toEqual(unset("s3"));
  });

  it("keeps the older words of the probe", async () => {
    const missing = await set({ bucket: "not-there" }, "/user/bucket");
    expect(refusal(missing)).toEqual({ status: 400, error: "Verification failed: NoSuchBucket" });
    await s3.deny(`AK${bucket}`);
    const denied = await set({}, "/user/bucket");
    expect(refusal(denied)).toEqual({ status: 400, error: "Verification failed: Access Denied" });
  });
});

describe("the other providers", () => {
  const gcs = { project_id: "p", bucket: "my-videos" };
  it.each<[string, Json, string, string | undefined]>([
    [
      "blob",
      { account_name: "abc", container: "my-videos" },
      "Either account_key or sas_token must be provided",
      "account_key",
    ],
    [
      "blob",
      { account_name: "abc", container: "my-videos", account_key: "c2VjcmV0", sas_token: "sig=x" },
      "Either account_key or sas_token must be provided",
      "account_key",
    ],
    [
      "blob",
      { account_name: "abc", container: "my-videos", account_key: "no base64!" },
      "account_key must be base64",
      "account_key",
    ],
    [
      "blob",
      { account_name: "abc", container: "my-videos", account_key: "c2VjcmV0", apply_to_all_keys: true },
      "apply_to_all_keys requires an organization key",
      "apply_to_all_keys",
    ],
    [
      "gcs",
      { ...gcs, service_account_json: "{}" },
      "service_account_json must be a service account key",
      "service_account_json",
    ],
  ])("%s: %j is answered %s, and nothing is saved", async (provider, body, error, field) => {
    const told = { status: 400, error, ...(field === undefined ? {} : { field }) };
    expect(refusal(await account.api("POST", `/user/${provider}`, body))).toEqual(told);
    expect((await account.api("GET", `/user/${provider}`)).body).toEqual(unset(provider));
  });
});

describe("what each of the other providers is told, probed for and read back as", () => {
  const account_key = btoa("0123456789abcdef");
  const azure = { account_name: "studionorth", container: "my-videos" };
  const oss = { endpoint: "https://oss-cn-hangzhou.aliyuncs.com", bucket: "my-videos", access_key_id: "LTAI5tExample" };
  const cases: [string, Json, Json][] = [
    [
      "blob",
      { ...azure, sas_token: FAKE_SAS },
      { message: "Azure Blob storage configured successfully", endpoint: "https://studionorth.blob.core.windows.net" },
    ],
    [
      "gcs",
      { project_id: "studio-north", bucket: "my-videos", service_account_json: btoa(env.TEST_GCS_ACCOUNT) },
      { message: "Google Cloud Storage configured successfully", endpoint: "https://storage.googleapis.com" },
    ],
    [
      "oss",
      { ...oss, access_key_secret: "oss-secret/with+signs=" },
      { message: "Alibaba OSS storage configured successfully", endpoint: oss.endpoint },
    ],
  ];
  const MASKED: Record<string, string> = { blob: "****sas=", gcs: "****cdef", oss: "****mple" };

  it.each(cases)("%s", async (provider, body, { message, endpoint }) => {
    const set = await account.api("POST", `/user/${provider}`, { ...body, folder_prefix: "downloads/2026" });
    expect(set).toMatchObject({
      status: 200,
      body: { message, provider, container_or_bucket: "my-videos", folder_prefix: "downloads/2026" },
    });
    expect((await account.api("GET", `/user/${provider}`)).body).toEqual({
      configured: true,
      provider,
      container_or_bucket: "my-videos",
      endpoint,
      region: null,
      folder_prefix: "downloads/2026",
      base_folder: "videos",
      access_key_masked: MASKED[provider],
      last_modified: expect.any(Number),
      source: "keyvault",
    });
    // A job goes there and comes back: the adapter, in the Worker, from ticket to URL.
    const job = await deliver(account, "the bytes");
    expect(job.files.map((file) => file.key)).toEqual(["downloads/2026/videos/A talk.mp4"]);
    const url = new URL(job.s3_url ?? "");
    const answer = url.origin === ORIGIN ? await call(url.pathname + url.search) : await fetch(url);
    expect(await answer.text()).toBe("the bytes");
    const removed = await account.api("DELETE", `/jobs/${job.id}/file`);
    expect(removed).toMatchObject({ status: 200, body: { deleted_key: "downloads/2026/videos/A talk.mp4" } });
  });

  it.each([
    ["blob", { ...azure, account_key }, "AuthenticationFailed", "account_key"],
    ["blob", { ...azure, sas_token: "sv=2020-12-06&sig=other" }, "AuthenticationFailed", "sas_token"],
    ["oss", { ...oss, access_key_secret: "wrong" }, "SignatureDoesNotMatch", "access_key_secret"],
    [
      "oss",
      { ...oss, bucket: "no-such-bucket", access_key_secret: "oss-secret/with+signs=" },
      "NoSuchBucket",
      "bucket",
    ],
  ])("%s: %j does not pass the probe", async (provider, body, code, field) => {
    const told = { status: 400, error: `Credential validation failed: ${code}` };
    const refused = await account.api("POST", `/user/${provider}`, body);
    expect(refusal(refused)).toEqual(told);
    expect(refused.body.details).toEqual([{ field, message: expect.any(String) }]);
    expect((await account.api("GET", `/user/${provider}`)).body).toEqual(unset(provider));
  });
});

it("a storage of Amazon's own is addressed with the bucket in front of the host", async () => {
  await useStorage(account, bucket, { endpoint: "https://s3.us-east-1.amazonaws.com" });
  expect((await s3.look(bucket)).calls).toHaveLength(2);
});
