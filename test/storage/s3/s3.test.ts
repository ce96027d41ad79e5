/** What the S3 adapter makes of a server's words, its clock and its lost answers (DESIGN section 6). */
import { afterEach, expect, describe as group, it } from "vitest";
import { adviceFor } from "../../../edge/storage/advice.ts";
import type { StoreNetwork } from "../../../edge/storage/network.ts";
import type { CommitResult, UploadIntent } from "../../../edge/storage/port.ts";
import { bucketUrl, objectUrl } from "../../../edge/storage/s3/address.ts";
import { s3Store } from "../../../edge/storage/s3/s3.ts";
import { StoreError } from "../../../edge/storage/store-error.ts";
import { intentFor, sampleBytes, Uploading } from "../uploading.ts";
import type { S3Fault } from "./control.ts";
import type { FakeS3Options } from "./fake-s3.ts";
import { ACCESS_KEY, BUCKET, openFakeS3, type S3UnderTest } from "./harness.ts";

let opened: S3UnderTest;
const start = async (options: FakeS3Options = {}) => {
  opened = await openFakeS3(options);
  return opened;
};
afterEach(() => opened.close());

const KEY = "videos/a.mp4";
const BYTES = sampleBytes(10);

async function uploaded(intent: UploadIntent = intentFor(KEY, BYTES.length)) {
  const upload = await new Uploading(opened, intent).begin();
  return upload.commitRequest(BYTES, await upload.putAll(BYTES));
}

const fail = (operation: S3Fault["operation"], how: S3Fault["how"], times = 1) =>
  opened.fake.fail({ operation, how, times });

const fault = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof StoreError ? `${error.fault} ${error.code}` : String(error)),
  );

group("a commit whose answer is lost", () => {
  it("is found done by the next one: the object tells that this very upload made it", async () => {
    await start();
    const request = await uploaded();
    fail("complete", "lost");
    // The look behind the lost answer settles it.
    expect(await opened.store.commit(request)).toMatchObject({ kind: "committed", key: KEY, size: 10 });
    const { etag } = (await opened.store.commit(request)) as Extract<CommitResult, { kind: "committed" }>;
    expect(await opened.again().commit(request)).toEqual({ kind: "committed", key: KEY, size: 10, etag });
    expect(opened.fake.keysOf(BUCKET)).toEqual([KEY]);
  });

  it("is asked again if the store cannot be looked at either", async () => {
    await start();
    const request = await uploaded();
    fail("complete", "lost");
    // The first look finds nothing, the one after the loss no answer.
    fail("head", { status: 404, code: "NoSuchKey" });
    fail("head", { status: 503, code: "SlowDown" });
    expect(await opened.store.commit(request)).toEqual({ kind: "unavailable", code: "SlowDown" });
    expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
  });

  it("is taken back by an abort, which finds by itself what the upload has made", async () => {
    await start();
    const request = await uploaded();
    fail("complete", "lost");
    fail("head", { status: 404, code: "NoSuchKey" });
    fail("head", { status: 503, code: "SlowDown" });
    expect(await opened.store.commit(request)).toMatchObject({ kind: "unavailable" });
    await opened.store.abort(request.uploadId, KEY);
    expect(opened.fake.keysOf(BUCKET)).toEqual([]);
    expect(await opened.countUploads()).toBe(0);
  });
});

group("an abort", () => {
  it("that may not end uploads still takes back what was committed, and says what was refused", async () => {
    await start();
    const request = await uploaded();
    await opened.store.commit(request);
    fail("abort", { status: 403, code: "AccessDenied" });
    expect(await fault(opened.store.abort(request.uploadId, KEY))).toBe("permanent AccessDenied");
    expect(opened.fake.keysOf(BUCKET)).toEqual([]);
  });
});

group("an object under the name", () => {
  it("of another attempt of the same job is foreign: only this very upload is ours", async () => {
    await start();
    const intent = intentFor(KEY, 10, "job-1", "1.1");
    expect(await opened.store.commit(await uploaded(intent))).toMatchObject({ kind: "committed" });
    const next = await uploaded({ ...intent, token: "1.2" });
    expect(await opened.store.commit(next)).toEqual({ kind: "taken" });
    const twin = await uploaded(intent);
    expect(await opened.store.commit(twin)).toEqual({ kind: "taken" });
    await opened.store.abort(twin.uploadId, KEY);
    expect(opened.fake.keysOf(BUCKET)).toEqual([KEY]);
  });

  it("that appears between the look and the commit is kept by the condition", async () => {
    await start();
    const request = await uploaded();
    fail("head", { status: 404, code: "NoSuchKey" });
    await opened.putForeign(KEY, sampleBytes(3, 9));
    expect(await opened.store.commit(request)).toEqual({ kind: "taken" });
    expect(opened.fake.objects.get(`${BUCKET}/${KEY}`)?.bytes.length).toBe(3);
  });

  it("is found where nobody may list, and nothing there is no obstacle", async () => {
    await start({ mayList: false });
    const request = await uploaded();
    expect(await fault(opened.store.head(KEY))).toBe("permanent AccessDenied");
    expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
    expect(await opened.store.commit(await uploaded())).toEqual({ kind: "taken" });
  });
});

group("a refusal", () => {
  it.each<[S3Fault["how"], CommitResult]>([
    [
      { status: 403, code: "AccessDenied" },
      { kind: "refused", code: "AccessDenied", permanent: true },
    ],
    [
      { status: 404, code: "NoSuchBucket" },
      { kind: "refused", code: "NoSuchBucket", permanent: true },
    ],
    [
      { status: 403, code: "InvalidAccessKeyId" },
      { kind: "refused", code: "InvalidAccessKeyId", permanent: true },
    ],
    [
      { status: 400, code: "EntityTooSmall" },
      { kind: "refused", code: "EntityTooSmall", permanent: false },
    ],
    [
      { status: 404, code: "NoSuchUpload" },
      { kind: "refused", code: "NoSuchUpload", permanent: false },
    ],
    [
      { status: 503, code: "SlowDown" },
      { kind: "unavailable", code: "SlowDown" },
    ],
    [
      { status: 409, code: "ConditionalRequestConflict" },
      { kind: "unavailable", code: "ConditionalRequestConflict" },
    ],
    [
      { status: 500, code: "InternalError" },
      { kind: "unavailable", code: "InternalError" },
    ],
    ["late-error", { kind: "unavailable", code: "InternalError" }],
  ])("of a commit, %j, is %j", async (how, result) => {
    await start({ mayList: false });
    const request = await uploaded();
    // A late error is told after the work is done; here it is not.
    if (how === "late-error") opened.fake.uploads.clear();
    fail("complete", how === "late-error" ? { status: 200, code: "InternalError" } : how);
    expect(await opened.store.commit(request)).toEqual(result);
  });

  it.each([
    [{ status: 403, code: "AccessDenied" }, "permanent AccessDenied"],
    [{ status: 404, code: "NoSuchBucket" }, "permanent NoSuchBucket"],
    [{ status: 301, code: "PermanentRedirect" }, "permanent PermanentRedirect"],
    [{ status: 307, code: "" }, "unavailable TemporaryRedirect"],
    [{ status: 429, code: "TooManyRequests" }, "unavailable TooManyRequests"],
    [{ status: 503, code: "" }, "unavailable SlowDown"],
    [{ status: 418, code: "<script>" }, "refused HTTP 418"],
  ])("of a begin, %j, is thrown as %s", async (how, told) => {
    await start();
    fail("begin", how);
    expect(await fault(opened.store.begin(intentFor(KEY, 1)))).toBe(told);
  });

  it("of a port where nobody listens is passing", async () => {
    await start();
    await opened.close();
    expect(await fault(opened.store.begin(intentFor(KEY, 1)))).toBe("unavailable unreachable");
    await start();
  });

  it("of the URL guard is for good, and nothing is sent", async () => {
    await start();
    const network = { fetch: () => Promise.reject(new Error("sent")), now: Date.now, accepts: () => false };
    const guarded = s3Store(opened.config, network);
    expect(await fault(guarded.begin(intentFor(KEY, 1)))).toBe("permanent unreachable");
    const signal = AbortSignal.timeout(1_000);
    expect(await guarded.verify({ key: KEY, signal })).toEqual({ ok: false, code: "unreachable" });
  });

  it("of a size that no object may have is told before anything begins", async () => {
    await start();
    expect(await fault(opened.store.begin(intentFor(KEY, 6 * 2 ** 40)))).toBe("permanent too_large");
    expect(await opened.countUploads()).toBe(0);
  });
});

group("a server's clock", () => {
  it.each([-3_600_000, -600_000, 600_000, 3_600_000])("that is %i ms ahead is followed", async (skewMs) => {
    await start({ skewMs });
    const request = await uploaded();
    expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
    const url = await opened.store.presignRead({ key: KEY, expiresAt: Date.now() + 5_000, disposition: null });
    expect((await fetch(url ?? "")).status).toBe(200);
  });
});

group("a read URL", () => {
  it("is a signed GET that lives as long as asked, and names the file as asked", async () => {
    await start();
    await opened.store.commit(await uploaded());
    const disposition = `attachment; filename*=UTF-8''A%20talk%20(1).mp4`;
    const expiresAt = Date.now() + 86_400_000;
    const url = (await opened.store.presignRead({ key: KEY, expiresAt, disposition })) ?? "";
    expect(new URL(url).searchParams.get("X-Amz-Expires")).toBe("86400");
    const response = await fetch(url);
    expect(response.headers.get("content-disposition")).toBe(disposition);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(BYTES);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(403);
    expect((await fetch(url.replace("a.mp4", "b.mp4"))).status).toBe(403);
    const past = await opened
      .again({}, () => Date.now() - 120_000)
      .presignRead({ key: KEY, expiresAt: Date.now() - 60_000, disposition: null });
    expect((await fetch(past ?? "")).status).toBe(403);
  });
});

group("a part URL", () => {
  it("is good for its part of its upload alone", async () => {
    await start();
    const upload = await new Uploading(opened, intentFor(KEY, 10)).begin();
    const url = await upload.url(1);
    expect((await fetch(url.replace("partNumber=1", "partNumber=2"), { method: "PUT", body: "x" })).status).toBe(403);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
    expect((await fetch(url, { method: "PUT", body: "x" })).status).toBe(200);
  });

  it("holds no secret, nor does anything that is sent", async () => {
    await start();
    const url = await (await new Uploading(opened, intentFor(KEY, 10)).begin()).url(1);
    expect(decodeURIComponent(url)).not.toContain("secret");
  });
});

group("a probe", () => {
  const verify = (store = opened.store) =>
    store.verify({ key: "p/verify_credentials.txt", signal: AbortSignal.timeout(1_000) });

  it("writes an object and removes it", async () => {
    await start();
    expect(await verify()).toEqual({ ok: true });
    expect(opened.fake.keysOf(BUCKET)).toEqual([]);
    expect(opened.fake.calls.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
      "put p/verify_credentials.txt",
      "delete p/verify_credentials.txt",
    ]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["AccessDenied", async () => opened.fake.deny(ACCESS_KEY)],
    ["SlowDown", async () => fail("put", { status: 503, code: "SlowDown" })],
    ["AccessDenied", async () => fail("delete", { status: 403, code: "AccessDenied" })],
    ["timeout", async () => fail("put", "hang")],
  ])("tells %s", async (code, spoil) => {
    await start();
    await spoil();
    expect(await verify()).toEqual({ ok: false, code });
  });

  it("tells of wrong keys, a missing bucket and another region by the provider's codes", async () => {
    await start();
    expect(await verify(opened.again({ secret_key: "wrong" }))).toEqual({ ok: false, code: "SignatureDoesNotMatch" });
    expect(await verify(opened.again({ access_key: "nobody" }))).toEqual({ ok: false, code: "InvalidAccessKeyId" });
    expect(await verify(opened.again({ bucket: "not-there" }))).toEqual({ ok: false, code: "NoSuchBucket" });
    expect(await verify(opened.again({ region: "eu-west-1" }))).toEqual({
      ok: false,
      code: "AuthorizationHeaderMalformed",
      told: { region: "us-east-1", endpoint: null },
    });
  });
});

group("a redirect", () => {
  const ELSEWHERE = { region: "eu-west-1", endpoint: `${BUCKET}.s3.eu-west-1.amazonaws.com` };
  const redirect = (status: number, code: string) => ({ status, code, told: ELSEWHERE });
  const probe = () => ({ key: "verify_credentials.txt", signal: AbortSignal.timeout(10_000) });

  it.each([
    [301, "PermanentRedirect", "region"],
    [307, "TemporaryRedirect", "endpoint"],
    [400, "IllegalLocationConstraintException", "region"],
  ])("of the probe, %i, tells the owner where the bucket is", async (status, code, field) => {
    await start();
    fail("put", redirect(status, code));
    const result = await opened.store.verify(probe());
    expect(result).toEqual({ ok: false, code, told: ELSEWHERE });
    expect(adviceFor({ provider: "s3" }, code, result.ok ? undefined : result.told)).toEqual({
      field,
      message: expect.stringMatching(/\(region eu-west-1, endpoint b-videos\.s3\.eu-west-1\.amazonaws\.com\)$/),
    });
  });

  it.each([
    ["<b>here</b>", "eu-west-1"],
    ["host/path", "../x"],
    ["a b", "EU West"],
  ])("to %s in %s is told as far as it is a place", async (endpoint, region) => {
    await start();
    fail("put", {
      status: 301,
      code: "PermanentRedirect",
      told: { region, endpoint: endpoint.replaceAll("<", "&lt;") },
    });
    const told = region === "eu-west-1" ? { told: { region, endpoint: null } } : {};
    expect(await opened.store.verify(probe())).toEqual({ ok: false, code: "PermanentRedirect", ...told });
  });

  it("for a while is waited out where we asked, and never followed: part URLs could not be", async () => {
    await start();
    const hosts = new Set<string>();
    const watched: StoreNetwork = {
      fetch: (url, init) => {
        hosts.add(new URL(url).host);
        return fetch(url, init);
      },
      now: Date.now,
      accepts: () => true,
    };
    const store = s3Store(opened.config, watched);
    fail("begin", redirect(307, "TemporaryRedirect"));
    expect(await fault(store.begin(intentFor(KEY, 1)))).toBe("unavailable TemporaryRedirect");
    const request = await uploaded();
    fail("complete", redirect(307, "TemporaryRedirect"));
    expect(await store.commit(request)).toEqual({ kind: "unavailable", code: "TemporaryRedirect" });
    expect(await store.commit(request)).toMatchObject({ kind: "committed" });
    fail("complete", redirect(301, "PermanentRedirect"));
    const other = await uploaded(intentFor("videos/b.mp4", BYTES.length));
    expect(await store.commit(other)).toEqual({ kind: "refused", code: "PermanentRedirect", permanent: true });
    expect([...hosts]).toEqual([new URL(opened.config.endpoint).host]);
  });
});

group("an address", () => {
  it.each([
    ["http://minio.cellar:9000", "my.videos", "http://minio.cellar:9000/my.videos/"],
    ["https://x.supabase.co/storage/v1/s3/", "videos", "https://x.supabase.co/storage/v1/s3/videos/"],
    ["https://s3.us-east-1.amazonaws.com", "my-videos", "https://my-videos.s3.us-east-1.amazonaws.com/"],
    ["https://s3.us-east-1.amazonaws.com", "my.videos", "https://s3.us-east-1.amazonaws.com/my.videos/"],
    // Amazon's host for all regions redirects what is asked of it about a new bucket; that of the region does not.
    ["https://my.videos.s3.amazonaws.com", "my.videos", "https://my.videos.s3.us-east-1.amazonaws.com/"],
    ["https://s3.amazonaws.com", "my-videos", "https://my-videos.s3.us-east-1.amazonaws.com/"],
    ["https://s3.amazonaws.com/", "my.videos", "https://s3.us-east-1.amazonaws.com/my.videos/"],
    ["https://s3.amazonaws.com.example.net", "my-videos", "https://s3.amazonaws.com.example.net/my-videos/"],
    ["https://acc.r2.cloudflarestorage.com", "my-videos", "https://acc.r2.cloudflarestorage.com/my-videos/"],
  ])("of %s and %s is %s", async (endpoint, bucket, url) => {
    await start();
    const region = "us-east-1";
    expect(bucketUrl({ endpoint, bucket, region }).href).toBe(url);
    expect(objectUrl({ endpoint, bucket, region }, "a b/c+d%'(1).mp4").href).toBe(`${url}a%20b/c%2Bd%25%27%281%29.mp4`);
  });

  it("of Amazon's without a region is that of the region, if it is one", () => {
    const at = (region: string) => bucketUrl({ endpoint: "https://s3.amazonaws.com", bucket: "b-videos", region }).host;
    expect(["eu-west-1", "us-gov-east-1", "auto", "x.evil.test/"].map(at)).toEqual([
      "b-videos.s3.eu-west-1.amazonaws.com",
      "b-videos.s3.us-gov-east-1.amazonaws.com",
      "b-videos.s3.amazonaws.com",
      "b-videos.s3.amazonaws.com",
    ]);
  });
});
