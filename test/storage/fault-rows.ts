/** What each provider's refusals mean, step by step: for good, or for a while; and what its owner is told to do about it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adviceFor } from "../../edge/storage/advice.ts";
import type { CommitRequest, ObjectStore } from "../../edge/storage/port.ts";
import type { Provider } from "../../shared/contract/storage.ts";
import { intentFor, type StoreUnderTest, sampleBytes, Uploading } from "./uploading.ts";

export interface FaultRow {
  what: string;
  status: number;
  code: string;
  meaning: "for good" | "for a while";
  /** The field that the advice names. */
  about: string;
}

export interface Faulty extends StoreUnderTest {
  /** The next request that writes is refused so. */
  refuseNext(row: Pick<FaultRow, "status" | "code">): void;
}

export function testFaultRows(provider: Provider, open: () => Promise<Faulty>, rows: readonly FaultRow[]): void {
  describe.each(rows)(`${provider}, $what ($status $code)`, (row) => {
    let opened: Faulty;
    let request: CommitRequest;
    beforeEach(async () => {
      opened = await open();
      const upload = await new Uploading(opened, intentFor("videos/a.mp4", 10)).begin();
      request = upload.commitRequest(sampleBytes(10), await upload.putAll(sampleBytes(10)));
    });
    afterEach(() => opened.close());
    const probe = (store: ObjectStore) => store.verify({ key: "probe.txt", signal: AbortSignal.timeout(10_000) });

    it(`is told by the probe with its code, and with what to do`, async () => {
      opened.refuseNext(row);
      expect(await probe(opened.store)).toEqual({ ok: false, code: row.code });
      expect(adviceFor({ provider }, row.code)).toEqual({
        field: row.about,
        message: expect.stringMatching(/: .{10,}/),
      });
      expect(await probe(opened.store)).toEqual({ ok: true });
    });

    it(`of a commit holds ${row.meaning}, and loses no bytes`, async () => {
      opened.refuseNext(row);
      const { code } = row;
      expect(await opened.store.commit(request)).toEqual(
        row.meaning === "for good" ? { kind: "refused", code, permanent: true } : { kind: "unavailable", code },
      );
      expect(await opened.store.commit(request)).toMatchObject({ kind: "committed", size: 10 });
    });
  });
}

/** Of S3 and those that speak like it. */
export function bucketRows(fields: { secret: string; region: string; endpoint: string }): FaultRow[] {
  const { secret, region, endpoint } = fields;
  return [
    { what: "a missing bucket", status: 404, code: "NoSuchBucket", meaning: "for good", about: "bucket" },
    { what: "an unknown key", status: 403, code: "InvalidAccessKeyId", meaning: "for good", about: secret },
    { what: "a wrong secret", status: 403, code: "SignatureDoesNotMatch", meaning: "for good", about: secret },
    { what: "credentials that ran out", status: 400, code: "ExpiredToken", meaning: "for good", about: secret },
    { what: "credentials without the right", status: 403, code: "AccessDenied", meaning: "for good", about: secret },
    { what: "a wrong region", status: 301, code: "PermanentRedirect", meaning: "for good", about: region },
    { what: "throttling", status: 503, code: "SlowDown", meaning: "for a while", about: endpoint },
    { what: "throttling by status", status: 429, code: "TooManyRequests", meaning: "for a while", about: endpoint },
    { what: "trouble of its own", status: 500, code: "InternalError", meaning: "for a while", about: endpoint },
  ];
}
