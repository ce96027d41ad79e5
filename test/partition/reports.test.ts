import { describe, expect, it } from "vitest";
import { cancelJob } from "../../edge/partition/cancel.ts";
import { retire } from "../../edge/partition/drain.ts";
import { commitFailed, committed, noteCommitted, pendingCommit } from "../../edge/partition/finish.ts";
import { complete, endAsList, extracted, setStep } from "../../edge/partition/report.ts";
import { enterSession } from "../../edge/partition/sessions.ts";
import type { State } from "../../edge/partition/states.ts";
import { addUpload, doomedUploads, findUpload, uploadPlace } from "../../edge/partition/uploads.ts";
import type { Manifest } from "../../shared/contract/media.ts";
import { account, id, identity, info, manifest } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const ONE = identity("n1");
const JOB = id(1);

function running(wish = {}, facts = account("ann")): Harness {
  const harness = new Harness();
  harness.create(JOB, wish, facts);
  harness.start(JOB, ONE);
  return harness;
}

function begin(harness: Harness, uploadId: string, kind: "media" | "thumbnail" = "media"): void {
  harness.run((turn) => {
    const job = harness.job(JOB);
    const target = uploadPlace(turn, job, kind, null);
    if (target === null) throw new Error("not extracted");
    addUpload(turn, job, { uploadId, token: harness.token(JOB), kind, language: null, partSize: 100 }, target);
  });
}

describe("a token", () => {
  it("is its holder's alone", () => {
    const harness = running();
    expect(harness.claim(JOB, "1.1").kind).toBe("holder");
    expect(harness.claim(JOB, "1.1", identity("n2")).kind).toBe("stale");
    expect(harness.claim(JOB, "1.1", { ...ONE, session: 2 }).kind).toBe("stale");
    for (const token of ["1.0", "1.2", "0.1", "2.1", ""]) expect(harness.claim(JOB, token).kind).toBe("stale");
    expect(harness.claim(id(9), "1.1").kind).toBe("unknown");
  });

  it("of a dead generation is stale", () => {
    const harness = running();
    harness.reload(2);
    expect(harness.claim(JOB, "1.1").kind).toBe("stale");
    expect(harness.claim(JOB, "2.1").kind).toBe("holder");
  });
});

describe("the report that decided a job", () => {
  it.each<[State, State]>([
    ["finishing", "finishing"],
    ["completed", "completed"],
    ["failed", "failed"],
    ["warning", "warning"],
    ["skipped", "skipped"],
  ])("hears its outcome again while the job is %s", (state, heard) => {
    const harness = new Harness();
    harness.reach(state);
    expect(harness.claim(JOB, "1.1")).toEqual({ kind: "decided", state: heard });
    expect(harness.claim(JOB, "1.2").kind).toBe("stale");
  });

  it("hears it again for 24 h after the job has left, and nobody else does", () => {
    const harness = new Harness();
    harness.reach("completed");
    harness.drain();
    retire(harness.sql, 10);
    expect(harness.sql.all("SELECT * FROM jobs")).toEqual([]);
    expect(harness.claim(JOB, "1.1")).toEqual({ kind: "decided", state: "completed" });
    expect(harness.claim(JOB, "1.0").kind).toBe("stale");
  });

  it("does not exist for a cancel: whoever still runs the job has to kill it", () => {
    const harness = running();
    harness.run((turn) => cancelJob(turn, "ann", JOB, true));
    expect(harness.claim(JOB, "1.1").kind).toBe("stale");
  });

  it("is forgotten when the commit failed and the job is repeated", () => {
    const harness = new Harness();
    harness.reach("finishing");
    harness.run((turn) => commitFailed(turn, JOB, { kind: "refused", code: "x", permanent: false }));
    expect(harness.claim(JOB, "1.1").kind).toBe("stale");
  });
});

describe("extracted", () => {
  it("reserves the name once and may be repeated", () => {
    const harness = running();
    const first = harness.extracted(JOB, "Clip");
    const second = harness.extracted(JOB, "Another");
    expect(second.reserved).toBe(first.reserved);
    expect(second.title).toBe("Another");
  });

  it.each([
    [{ max_duration_seconds: 5 }, {}, "Video exceeds the limit of 5 seconds"],
    [{ max_filesize_bytes: 2 * 1_048_576 }, { size_estimate: 3 * 1_048_576 }, "File exceeds the limit of 2 MB"],
  ])("ends a job that is over a limit before a byte is fetched", (limits, seen, error) => {
    const harness = running({}, account("ann", limits));
    const decision = harness.run((turn) => extracted(turn, harness.job(JOB), info(seen)));
    expect(decision.kind).toBe("stop");
    expect(decision.job).toMatchObject({ state: "failed", error, error_class: "too_large", reserved: null });
  });

  it("takes what a node says of a source as text that may be hostile", () => {
    const harness = running();
    const job = harness.run((turn) =>
      extracted(turn, harness.job(JOB), info({ title: "a\u0000b\ud800", description: "  " })),
    ).job;
    expect(job.title).toBe("ab\ufffd");
    expect(job.description).toBeNull();
  });

  it("that turns out to be a list ends the job and its uploads", () => {
    const harness = running();
    harness.extracted(JOB);
    begin(harness, "u1");
    harness.run((turn) => endAsList(turn, harness.job(JOB), "a list"));
    expect(harness.job(JOB)).toMatchObject({ state: "warning", error: "a list", error_class: "list" });
    expect(harness.run((turn) => doomedUploads(turn, 10))).toMatchObject([{ uploadId: "u1" }]);
  });
});

describe("steps", () => {
  it("only go forward inside an attempt", () => {
    const harness = running();
    const step = (to: "extract" | "download" | "mux" | "upload") =>
      harness.run((turn) => setStep(turn, harness.job(JOB), to)).step;
    expect([step("mux"), step("download"), step("upload"), step("extract")]).toEqual([
      "mux",
      "mux",
      "upload",
      "upload",
    ]);
  });
});

describe("complete", () => {
  const storeKey = "@ann/videos/A title.mp4";

  const bad: [string, (good: Manifest) => Manifest][] = [
    ["names no file", (good) => ({ ...good, files: [] })],
    ["names two media files", (good) => ({ ...good, files: [...good.files, ...good.files] })],
    ["names an upload of another attempt", () => manifest([{ uploadId: "other" }])],
    ["calls an upload another kind", () => manifest([{ uploadId: "u1" }, { uploadId: "u2", kind: "info" }])],
    ["does not add up", (good) => ({ ...good, files: good.files.map((file) => ({ ...file, size: file.size + 1 })) })],
  ];
  it.each(bad)("refuses a manifest that %s, and changes nothing", (_, spoil) => {
    const harness = running({ options: { download_thumbnail: true } });
    harness.extracted(JOB);
    begin(harness, "u1");
    begin(harness, "u2", "thumbnail");
    harness.sql.run(
      `INSERT INTO uploads (upload_id, job_id, token, kind, language, path, store_key, content_type, part_size)
         SELECT 'other', job_id, '1.0', kind, language, path, store_key, content_type, part_size FROM uploads WHERE upload_id = 'u1'`,
    );
    const before = harness.job(JOB);
    const result = harness.run((turn) => complete(turn, harness.job(JOB), spoil(manifest([{ uploadId: "u1" }]))));
    expect(result.kind).toBe("bad_manifest");
    expect(harness.job(JOB)).toEqual(before);
  });

  it("asks for the commit, and from then on nothing but the commit moves the job", () => {
    const harness = new Harness();
    harness.reach("finishing");
    expect(harness.effects.commit).toEqual([JOB]);
    expect(harness.run((turn) => cancelJob(turn, "ann", JOB, true)).kind).toBe("refused");
    harness.run((turn) => enterSession(turn, { ...ONE, session: 2 }));
    harness.now += 3 * 60 * MINUTE;
    expect(harness.job(JOB).state).toBe("finishing");
    expect(harness.run((turn) => pendingCommit(turn, JOB))).toMatchObject({
      token: "1.1",
      files: [{ storeKey: "@ann/videos/A title.mp4", contentType: "video/mp4", committed: null }],
    });
  });

  it("remembers each committed file, and ends with all of them in one transaction", () => {
    const harness = running({ options: { download_thumbnail: true } });
    harness.extracted(JOB);
    begin(harness, "u1");
    begin(harness, "u2", "thumbnail");
    const files = manifest([
      { uploadId: "u1", size: 70 },
      { uploadId: "u2", kind: "thumbnail", size: 7 },
    ]);
    harness.run((turn) => complete(turn, harness.job(JOB), files));
    harness.run((turn) => noteCommitted(turn, "u1", { storeKey, etag: "e1", sha256: "c".repeat(64) }));
    const pending = harness.run((turn) => pendingCommit(turn, JOB));
    expect(pending?.files.map((file) => file.committed)).toEqual([
      { storeKey, etag: "e1", sha256: "c".repeat(64) },
      null,
    ]);
    harness.run((turn) =>
      committed(
        turn,
        JOB,
        (pending?.files ?? []).map(({ uploadId, storeKey, size, committed: known }, index) => ({
          uploadId,
          storeKey,
          size,
          etag: `e${index}`,
          sha256: known?.sha256 ?? "d".repeat(64),
          url: null,
          fileId: id(50 + index),
        })),
      ),
    );
    expect(harness.job(JOB)).toMatchObject({ state: "completed", file_size: 70, media_key: "videos/A title.mp4" });
    expect(harness.sql.all("SELECT kind, path, size, sha256 FROM files ORDER BY kind")).toMatchObject([
      { kind: "media", path: "videos/A title.mp4", size: 70, sha256: "c".repeat(64) },
      { kind: "thumbnail", path: "videos/A title.jpg", size: 7, sha256: "d".repeat(64) },
    ]);
    expect(harness.sql.get("SELECT bytes_used FROM accounts")).toMatchObject({ bytes_used: 77 });
    expect(harness.sql.all("SELECT * FROM uploads")).toEqual([]);
    expect(harness.committed(JOB)).toBeNull();
  });

  it("ends what the attempt began and did not deliver", () => {
    const harness = running();
    harness.extracted(JOB);
    begin(harness, "u1");
    begin(harness, "u2", "thumbnail");
    harness.run((turn) => complete(turn, harness.job(JOB), manifest([{ uploadId: "u1" }])));
    const file = {
      uploadId: "u1",
      fileId: id(50),
      storeKey,
      etag: "e",
      sha256: "c".repeat(64),
      size: 100,
      url: null,
    };
    harness.run((turn) => committed(turn, JOB, [file]));
    expect(harness.effects.abort).toBe(true);
    expect(harness.run((turn) => doomedUploads(turn, 10))).toMatchObject([{ uploadId: "u2", committed: null }]);
  });

  it("counts the first of two uploads that were begun at once for the same file", () => {
    const harness = running();
    harness.extracted(JOB);
    begin(harness, "u2");
    begin(harness, "u1");
    expect(harness.sql.all("SELECT upload_id FROM uploads")).toEqual([{ upload_id: "u2" }]);
  });

  it("whose commit fails has its committed files deleted too", () => {
    const harness = new Harness();
    harness.reach("finishing");
    const upload = harness.run((turn) => pendingCommit(turn, JOB))?.files[0]?.uploadId ?? "";
    harness.run((turn) => noteCommitted(turn, upload, { storeKey, etag: "e1", sha256: "c".repeat(64) }));
    harness.run((turn) => commitFailed(turn, JOB, { kind: "refused", code: "x", permanent: false }));
    expect(harness.run((turn) => doomedUploads(turn, 10))).toMatchObject([
      { uploadId: upload, committed: { storeKey, etag: "e1" } },
    ]);
    expect(harness.run((turn) => findUpload(turn, harness.job(JOB), "1.1", "media", null))).toBeNull();
  });
});

describe("a job that ended", () => {
  it("keeps no secret, whatever its end", () => {
    for (const state of ["completed", "failed", "warning", "skipped"] as const) {
      const harness = new Harness();
      harness.reach(state);
      expect(harness.job(JOB)).toMatchObject({ sealed: null, manifest: null });
    }
  });

  it("finished at or after its creation, even if the clock was set back", () => {
    const harness = running();
    harness.now -= 60 * MINUTE;
    const job = harness.fail(JOB, "removed");
    expect(job.finished_at).toBe(job.created_at);
  });
});
