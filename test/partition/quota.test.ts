/** Storage reservations and the quota (jobs API 1.2, 3.3, 12). */
import { describe, expect, it } from "vitest";
import { cancelJob } from "../../edge/partition/cancel.ts";
import { commitFailed } from "../../edge/partition/finish.ts";
import { complete, extracted } from "../../edge/partition/report.ts";
import { releaseAttempt } from "../../edge/partition/sessions.ts";
import { addUpload, uploadPlace } from "../../edge/partition/uploads.ts";
import { account, id, identity, info, manifest } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const LIMITED = account("ann", { storage_limit_bytes: 1_000 });

function storage(harness: Harness): [used: number, reserved: number] {
  const row = harness.sql.get<{ used: number; reserved: number }>(
    "SELECT bytes_used AS used, bytes_reserved AS reserved FROM accounts",
  );
  return [row?.used ?? 0, row?.reserved ?? 0];
}

function look(harness: Harness, job: string, estimate: number | null) {
  return harness.run((turn) => extracted(turn, harness.job(job), info({ size_estimate: estimate })));
}

/** Completes with a media file of this size. */
function upload(harness: Harness, job: string, size: number) {
  return harness.run((turn) => {
    const row = harness.job(job);
    const target = uploadPlace(turn, row, "media", null);
    if (target === null) throw new Error("not extracted");
    const token = harness.token(job);
    addUpload(turn, row, { uploadId: "u", token, kind: "media", language: null, partSize: 100 }, target);
    return complete(turn, row, manifest([{ uploadId: "u", size }]));
  });
}

function running(facts = LIMITED): Harness {
  const harness = new Harness();
  harness.create(id(1), {}, facts);
  harness.start(id(1));
  return harness;
}

describe("storage", () => {
  it("is reserved by the look-up's estimate, corrected by the manifest, used once the files are there", () => {
    const harness = running();
    look(harness, id(1), 300);
    look(harness, id(1), 300);
    expect(storage(harness)).toEqual([0, 300]);
    upload(harness, id(1), 100);
    expect(storage(harness)).toEqual([0, 100]);
    harness.committed(id(1));
    expect(storage(harness)).toEqual([100, 0]);
  });

  it("is reserved as nothing when the estimate is unknown", () => {
    const harness = running();
    expect(look(harness, id(1), null).kind).toBe("go");
    expect(storage(harness)).toEqual([0, 0]);
  });

  it.each<[string, (harness: Harness) => unknown]>([
    ["failed for good", (harness) => harness.fail(id(1), "clip")],
    ["failed and is repeated", (harness) => harness.fail(id(1), "network")],
    ["was given back", (harness) => harness.run((turn) => releaseAttempt(turn, harness.job(id(1))))],
    ["was cancelled", (harness) => harness.run((turn) => cancelJob(turn, "ann", id(1), true))],
    [
      "could not be stored",
      (harness) => {
        upload(harness, id(1), 400);
        harness.run((turn) => commitFailed(turn, id(1), { kind: "refused", code: "bytes", permanent: false }));
      },
    ],
  ])("is let go of when the attempt %s", (_, end) => {
    const harness = running();
    look(harness, id(1), 300);
    end(harness);
    expect(storage(harness)).toEqual([0, 0]);
    expect(harness.job(id(1)).bytes_reserved).toBe(0);
  });
});

describe("over the quota", () => {
  const FAILED = { state: "failed", error: "Storage quota exceeded", error_type: "error", error_class: "quota" };

  it("a job ends at its look-up, counting what others have reserved, and is not repeated", () => {
    const harness = running();
    look(harness, id(1), 700);
    harness.create(id(2), {}, LIMITED);
    harness.start(id(2), identity("n2"));
    expect(look(harness, id(2), 301).kind).toBe("stop");
    expect(harness.job(id(2))).toMatchObject(FAILED);
    expect(storage(harness)).toEqual([0, 700]);
  });

  it("a job ends at its completion when the files are larger than was thought; the node hears it, again and again", () => {
    const harness = running();
    look(harness, id(1), 10);
    expect(upload(harness, id(1), 1_001)).toMatchObject({ kind: "over_quota", job: FAILED });
    expect(harness.claim(id(1), "1.1")).toEqual({ kind: "decided", state: "failed" });
    expect(harness.sql.all("SELECT upload_id FROM uploads WHERE doomed_at IS NULL")).toEqual([]);
    expect(storage(harness)).toEqual([0, 0]);
  });

  it("is what the key says that made the job, before its account", () => {
    const harness = new Harness();
    const key = { options: { limits: { storage_limit_bytes: 100 } } };
    harness.create(id(1), key, account("ann", { storage_limit_bytes: 1_000_000 }));
    harness.start(id(1));
    expect(look(harness, id(1), 101).kind).toBe("stop");
  });

  it("is nothing that is not full, up to the last byte", () => {
    const harness = running();
    expect(look(harness, id(1), 1_000).kind).toBe("go");
    harness.now += MINUTE;
    expect(upload(harness, id(1), 1_000).kind).toBe("finishing");
  });
});
