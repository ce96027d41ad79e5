/** Our signed URLs held, character by character, against those of the providers' own libraries. */
import { generateKeyPairSync } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { formatUrl } from "@aws-sdk/core/util";
import { S3RequestPresigner } from "@aws-sdk/s3-request-presigner";
import { BlobSASPermissions, generateBlobSASQueryParameters, StorageSharedKeyCredential } from "@azure/storage-blob";
import { Storage } from "@google-cloud/storage";
import OSS from "ali-oss";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { blobSas } from "../../../edge/storage/azure/sas.ts";
import { gcsPath, importGcsKey, presignGcs } from "../../../edge/storage/gcs/sign.ts";
import { authorizeOss, ossRegion, presignOss } from "../../../edge/storage/oss/sign.ts";
import { s3Dialect } from "../../../edge/storage/s3/s3.ts";

const NOW = Date.UTC(2026, 10, 25, 9, 30, 15);
const KEYS = [
  "videos/talks/A talk.mp4",
  "videos/naïve café/日本語 – 100% (2) [x] 'q' !*~+&=#?;,@$.mp4",
  "videos/a  b/\u{1f600}.webm",
];

beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

describe("S3", () => {
  const keys = { access_key: "AKIAEXAMPLE", secret_key: "secret/with+signs=" };
  const place = { endpoint: "https://minio.example.com:9000", bucket: "my-videos", region: "eu-central-1" };
  const dialect = s3Dialect({ provider: "s3", ...place, ...keys });
  const credentials = { accessKeyId: keys.access_key, secretAccessKey: keys.secret_key };
  const presigner = new S3RequestPresigner(new S3Client({ region: place.region, credentials }).config);

  /** What Amazon's library makes of the same request. */
  async function theirs(method: string, key: string, query: Record<string, string>, expiresIn: number) {
    const url = dialect.objectUrl(key);
    const { protocol, hostname, pathname: path } = url;
    const request = { protocol, hostname, port: Number(url.port), path, method, query, headers: { host: url.host } };
    return formatUrl(await presigner.presign(request, { expiresIn, signingDate: new Date(NOW) }));
  }

  it.each(KEYS)("presigns the read of %s", async (key) => {
    const query = { "response-content-disposition": "attachment; filename*=UTF-8''A%20talk.mp4" };
    const ours = await dialect.presign({ method: "GET", key, query }, NOW, 86_400);
    expect(ours).toBe(await theirs("GET", key, query, 86_400));
  });

  it("presigns a part", async () => {
    const query = { partNumber: "7", uploadId: "2~ab+/cd==" };
    const ours = await dialect.presign({ method: "PUT", key: "a/b c.mp4", query }, NOW, 900);
    expect(ours).toBe(await theirs("PUT", "a/b c.mp4", query, 900));
  });
});

describe("OSS", () => {
  const secrets = { accessKeyId: "LTAI5tExample", accessKeySecret: "secret/with+signs=" };
  const client = new OSS({ ...secrets, bucket: "my-videos", region: "oss-eu-central-1", secure: true });
  const credentials = { ...secrets, region: "eu-central-1" };

  it.each(KEYS)("presigns the read of %s", async (key) => {
    const request = { method: "GET", bucket: "my-videos", key, query: {}, headers: {} };
    const query = await presignOss(request, credentials, NOW, 86_400);
    const theirs = await client.signatureUrlV4("GET", 86_400, undefined, key);
    expect(`?${query}`).toBe(new URL(theirs).search);
  });

  it("presigns a part", async () => {
    const query = { partNumber: "7", uploadId: "0004B9894A22E5B1888A1E29F823" };
    const request = { method: "PUT", bucket: "my-videos", key: "a/b c.mp4", query, headers: {} };
    const ours = await presignOss(request, credentials, NOW, 900);
    const theirs = await client.signatureUrlV4("PUT", 900, { queries: query }, "a/b c.mp4");
    expect(`?${ours}`).toBe(new URL(theirs).search);
  });

  it("signs a request's headers", async () => {
    const headers = { "content-type": "video/mp4", "x-oss-forbid-overwrite": "true" };
    const request = { method: "POST", bucket: "my-videos", key: "a/b c.mp4", query: { uploads: null }, headers };
    const ours = await authorizeOss(request, credentials, NOW);
    const { authorization: signature, ...rest } = ours;
    const theirs = (client as unknown as { authorizationV4: typeof authorizationV4 }).authorizationV4(
      "POST",
      { headers: rest, queries: { uploads: null } },
      "my-videos",
      "a/b c.mp4",
    );
    expect(signature).toBe(theirs);
  });

  it.each([
    ["https://oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"],
    ["https://oss-eu-central-1-internal.aliyuncs.com", "eu-central-1"],
    ["https://my-videos.oss-ap-southeast-1.aliyuncs.com", "ap-southeast-1"],
    ["https://media.example.com", "cn-hangzhou"],
  ])("finds the region of %s", (endpoint, region) => expect(ossRegion(endpoint)).toBe(region));
});

/** Not in the library's types, though public in its code. */
declare function authorizationV4(method: string, request: object, bucket: string, object: string): string;

describe("Google Cloud Storage", () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  const email = "uploader@studio.iam.gserviceaccount.com";
  const storage = new Storage({ projectId: "studio", credentials: { client_email: email, private_key: pem } });

  it.each(KEYS)("presigns the read of %s", async (key) => {
    const [theirs] = await storage
      .bucket("my-videos")
      .file(key)
      .getSignedUrl({ version: "v4", action: "read", expires: NOW + 86_400_000 });
    const request = { method: "GET", host: "storage.googleapis.com", bucket: "my-videos", key, query: {}, headers: {} };
    const query = await presignGcs(request, { clientEmail: email, key: await importGcsKey(pem) }, NOW, 86_400);
    expect(`https://storage.googleapis.com${gcsPath(request)}?${query}`).toBe(theirs);
  });

  it("presigns a part", async () => {
    const query = { partNumber: "7", uploadId: "ABPnzm4kbp/+x" };
    const [theirs] = await storage
      .bucket("my-videos")
      .file("a/b c.mp4")
      .getSignedUrl({ version: "v4", action: "write", expires: NOW + 900_000, queryParams: query });
    const place = { host: "storage.googleapis.com", bucket: "my-videos", key: "a/b c.mp4" };
    const request = { method: "PUT", ...place, query, headers: {} };
    const signer = { clientEmail: email, key: await importGcsKey(pem) };
    expect(`https://storage.googleapis.com${gcsPath(request)}?${await presignGcs(request, signer, NOW, 900)}`).toBe(
      theirs,
    );
  });

  it("takes no other text for a key", async () => {
    await expect(importGcsKey("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----")).rejects.toThrow(
      "private_key is not a PKCS #8 key in PEM",
    );
  });
});

describe("Azure", () => {
  const accountKey = Buffer.alloc(64, 7).toString("base64");
  const credential = new StorageSharedKeyCredential("studio", accountKey);

  it.each(KEYS)("signs the read of %s", async (key) => {
    const more = { contentDisposition: 'attachment; filename="x.mp4"', contentType: "video/mp4" };
    const theirs = generateBlobSASQueryParameters(
      {
        containerName: "my-videos",
        blobName: key,
        permissions: BlobSASPermissions.parse("r"),
        expiresOn: new Date(NOW + 86_400_000),
        version: "2020-12-06",
        ...more,
      },
      credential,
    ).toString();
    const grant = {
      container: "my-videos",
      blob: key,
      permissions: "r" as const,
      expiresAt: NOW + 86_400_000,
      ...more,
    };
    expect(await blobSas(grant, { account: "studio", accountKey })).toBe(theirs);
  });

  it("signs the writing of blocks", async () => {
    const theirs = generateBlobSASQueryParameters(
      {
        containerName: "my-videos",
        blobName: "a/b c.mp4",
        permissions: BlobSASPermissions.parse("cw"),
        expiresOn: new Date(NOW + 900_000),
        version: "2020-12-06",
      },
      credential,
    ).toString();
    const grant = { container: "my-videos", blob: "a/b c.mp4", permissions: "cw" as const, expiresAt: NOW + 900_000 };
    expect(await blobSas(grant, { account: "studio", accountKey })).toBe(theirs);
  });
});
