/** Where the files of jobs go, in the partition: targets, their names, and what is kept to clear up (jobs API 9.2, 11.1). */
import { describe, expect, it } from "vitest";
import type { AccountFacts } from "../../edge/partition/create.ts";
import { createJobs, pushAccount } from "../../edge/partition/create.ts";
import { retire } from "../../edge/partition/drain.ts";
import { commitFailed, pendingCommit } from "../../edge/partition/finish.ts";
import { parseReserved } from "../../edge/partition/job-row.ts";
import { passTakenNames } from "../../edge/partition/name-looks.ts";
import { putTarget, type TargetRow } from "../../edge/partition/targets.ts";
import {
  abortedUpload,
  addStrayUpload,
  doomedUploads,
  forgetUpload,
  postponeAbort,
  uploadPlace,
} from "../../edge/partition/uploads.ts";
import type { ObjectStore } from "../../edge/storage/port.ts";
import { StoreError } from "../../edge/storage/store-error.ts";
import { account, id, newJob } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const JOB = id(1);
const OWN: TargetRow = {
  id: "t1",
  provider: "s3",
  endpoint: "https://s3.example.com",
  bucket: "my-videos",
  region: "auto",
  folder_prefix: "downloads/2026/",
  base_folder: "media/",
  sealed: "v1.sealed",
};
const INLINE: TargetRow = { ...OWN, id: "t2", sealed: null };
const KEY = "downloads/2026/media/A title.mp4";

const facts = (target: TargetRow | null): AccountFacts => ({
  ...account("ann"),
  storage: target === null ? null : JSON.stringify(target),
});

/** A job that goes to the account's storage, or to storage of its own. */
function create(harness: Harness, job: string, target: TargetRow | null, wish = {}): void {
  harness.run((turn) => {
    if (target?.sealed === null) putTarget(turn, target);
    const asked = { target_id: target?.sealed === null ? target.id : null, ...wish };
    return createJobs(turn, facts(target?.sealed === null ? null : target), [newJob(job, "ann", asked)]);
  });
}

const targets = (harness: Harness) => harness.sql.all<{ id: string }>("SELECT id FROM targets").map((row) => row.id);

describe("a job", () => {
  it("goes to the storage that its account has when it is inserted, under its prefix and base", () => {
    const harness = new Harness();
    create(harness, id(1), null);
    create(harness, id(2), OWN);
    expect([harness.job(id(1)).target_id, harness.job(id(2)).target_id]).toEqual(["managed", "t1"]);
    harness.start(id(1));
    harness.extracted(id(1));
    harness.start(id(2));
    expect(parseReserved(harness.extracted(id(2)))?.key).toBe(KEY);
    harness.complete(id(2));
    expect(harness.sql.get("SELECT store_key, target_id FROM uploads WHERE job_id = ?", id(2))).toEqual({
      store_key: KEY,
      target_id: "t1",
    });
  });

  it("keeps its target while the account changes, and what was pushed wins over an older request", () => {
    const harness = new Harness();
    create(harness, id(1), OWN);
    harness.run((turn) => pushAccount(turn, facts(null)));
    // A Worker that remembers the account as it was.
    create(harness, id(2), OWN);
    expect([harness.job(id(1)).target_id, harness.job(id(2)).target_id]).toEqual(["t1", "managed"]);
    harness.now += MINUTE;
    create(harness, id(3), OWN);
    expect(harness.job(id(3)).target_id).toBe("t1");
  });

  it("takes its target's credentials along when it leaves, the last one that needs them", () => {
    const harness = new Harness();
    for (const job of [id(1), id(2)]) {
      create(harness, job, OWN);
      harness.finish(job);
    }
    expect(targets(harness)).toEqual(["t1"]);
    harness.sql.run("UPDATE jobs SET terminal_event_id = NULL WHERE id = ?", id(2));
    harness.drain();
    expect(retire(harness.sql, 10)).toBe(1);
    expect(targets(harness)).toEqual(["t1"]);
    harness.sql.run("UPDATE jobs SET terminal_event_id = 1 WHERE id = ?", id(2));
    expect(retire(harness.sql, 10)).toBe(1);
    expect(targets(harness)).toEqual([]);
  });

  it("tells a commit whether its store is its own alone", () => {
    const harness = new Harness();
    for (const [job, target] of [
      [id(1), OWN],
      [id(2), INLINE],
    ] as const) {
      create(harness, job, target, { sealed: "v1.job" });
      harness.start(job);
      harness.extracted(job);
      harness.complete(job);
    }
    const inline = (job: string) => harness.run((turn) => pendingCommit(turn, job));
    expect(inline(id(1))).toMatchObject({ inline: false, store: { account: "ann", targetId: "t1" } });
    expect(inline(id(2))).toMatchObject({ inline: true, store: { targetId: "t2", sealed: "v1.job" } });
  });
});

describe("names in a bucket", () => {
  it("differ by case, and are apart from those of managed storage", () => {
    const harness = new Harness();
    const keys = [
      [OWN, "Clip"],
      [OWN, "clip"],
      [OWN, "Clip"],
      [INLINE, "Clip"],
    ].map(([target, title], index) => {
      create(harness, id(index + 1), target as TargetRow);
      harness.start(id(index + 1));
      return parseReserved(harness.extracted(id(index + 1), String(title)))
        ?.key.split("/")
        .at(-1);
    });
    expect(keys).toEqual(["Clip.mp4", "clip.mp4", "Clip (2).mp4", "Clip.mp4"]);
  });

  /** Looks for taken names in a bucket that holds these keys; how often it was asked, and the key that the job has then. */
  async function look(harness: Harness, there: (key: string) => boolean | StoreError) {
    const asked: string[] = [];
    const store = {
      head: async (key: string) => {
        asked.push(key);
        const found = there(key);
        if (found instanceof StoreError) throw found;
        return found ? { size: 1, etag: "e", lastModified: 0, job: null } : null;
      },
    } as Partial<ObjectStore> as ObjectStore;
    const passed = await passTakenNames({
      job: JOB,
      token: "1.1",
      open: async () => store,
      relayUrl: () => Promise.reject(new Error("asked for a relayed part")),
      now: () => harness.now,
      stray: () => {
        throw new Error("nothing was begun");
      },
      run: (body) => ({ value: harness.run((turn) => body(turn, harness.job(JOB))) }),
    });
    return { asked: asked.length, passed, key: parseReserved(harness.job(JOB))?.key };
  }

  function extracted(target: TargetRow | null = OWN, wish = {}): Harness {
    const harness = new Harness();
    create(harness, JOB, target, wish);
    harness.start(JOB);
    harness.extracted(JOB);
    return harness;
  }

  it("are passed over while something lies there, the side files' too", async () => {
    const taken = [KEY, KEY.replace(".mp4", " (2).jpg")];
    const harness = extracted(OWN, { options: { download_thumbnail: true } });
    expect(await look(harness, (key) => taken.includes(key))).toMatchObject({
      passed: 2,
      key: KEY.replace(".mp4", " (3).mp4"),
    });
    // Only what was seen stays taken, by nobody.
    expect(harness.sql.all("SELECT folded FROM names WHERE job_id IS NULL ORDER BY folded")).toEqual(
      taken.toSorted().map((folded) => ({ folded })),
    );
  });

  it("are looked at twenty times, then the commit finds out", async () => {
    const result = await look(extracted(), () => true);
    expect(result).toEqual({ asked: 20, passed: 20, key: KEY.replace(".mp4", " (21).mp4") });
  });

  it("that cannot be looked at are taken as free", async () => {
    const denied = await look(extracted(), () => new StoreError("AccessDenied", "permanent"));
    expect(denied).toEqual({ asked: 1, passed: 0, key: KEY });
  });

  it("stay once an upload is bound to them, and managed ones are the disk store's own business", async () => {
    const harness = extracted();
    harness.complete(JOB);
    expect(await look(harness, () => true)).toMatchObject({ asked: 0, key: KEY });
    expect(await look(extracted(null), () => true)).toMatchObject({ asked: 0, key: "videos/A title.mp4" });
  });
});

describe("an upload that was begun for nobody", () => {
  it.each([
    [OWN, null],
    [INLINE, "v1.job"],
  ])("is aborted like those of a dead attempt, with what it takes to reach %j", (target, sealed) => {
    const harness = new Harness();
    create(harness, JOB, target, { sealed: "v1.job" });
    harness.start(JOB);
    harness.extracted(JOB);
    const place = harness.run((turn) => uploadPlace(turn, harness.job(JOB), "media", null));
    if (place === null) throw new Error("no name");
    const upload = { uploadId: "late", token: "1.1", kind: "media" as const, language: null, partSize: 100 };
    harness.run((turn) => addStrayUpload(turn, JOB, upload, place));
    expect(harness.effects.abort).toBe(true);
    expect(harness.run((turn) => doomedUploads(turn, 10))).toEqual([
      {
        uploadId: "late",
        store: { account: "ann", targetId: target.id, sealed },
        storeKey: KEY,
        tries: 0,
        committed: null,
      },
    ]);
  });
});

describe("an upload of a dead attempt", () => {
  it("is looked at once more when a commit of it was asked for, and only then", () => {
    for (const finishing of [true, false]) {
      const harness = new Harness();
      create(harness, JOB, OWN);
      harness.start(JOB);
      harness.extracted(JOB);
      harness.complete(JOB);
      if (finishing) {
        const refused = { kind: "refused", code: "AccessDenied", permanent: true } as const;
        harness.run((turn) => commitFailed(turn, JOB, refused));
      } else {
        harness.sql.run("UPDATE jobs SET state = 'running' WHERE id = ?", JOB);
        harness.fail(JOB, "clip");
      }
      const next = () => harness.run((turn) => doomedUploads(turn, 10))[0]?.uploadId;
      const first = next() ?? "";
      harness.run((turn) => abortedUpload(turn, first));
      expect(next()).toBeUndefined();
      harness.now += 10 * MINUTE;
      expect(next()).toBe(finishing ? first : undefined);
      harness.run((turn) => abortedUpload(turn, first));
      expect(harness.sql.all("SELECT * FROM uploads")).toEqual([]);
    }
  });

  function doomed(target: TargetRow): Harness {
    const harness = new Harness();
    create(harness, JOB, target, { sealed: "v1.job" });
    harness.start(JOB);
    harness.extracted(JOB);
    harness.complete(JOB);
    harness.sql.run("UPDATE jobs SET state = 'running' WHERE id = ?", JOB);
    harness.fail(JOB, "clip");
    return harness;
  }

  it("keeps what it takes to abort it, though the job's secrets are erased with its end", () => {
    for (const [target, sealed] of [
      [INLINE, "v1.job"],
      [OWN, null],
    ] as const) {
      const harness = doomed(target);
      expect(harness.job(JOB)).toMatchObject({ state: "failed", sealed: null });
      const [upload] = harness.run((turn) => doomedUploads(turn, 10));
      expect(upload?.store).toEqual({ account: "ann", targetId: target.id, sealed });
      harness.drain();
      retire(harness.sql, 10);
      expect(targets(harness)).toEqual([target.id]);
      harness.run((turn) => forgetUpload(turn, upload?.uploadId ?? ""));
      expect([targets(harness), harness.sql.all("SELECT * FROM uploads")]).toEqual([[], []]);
    }
  });

  it("is asked about less and less often, and forgotten after about a day: the bucket may be gone", () => {
    const harness = doomed(OWN);
    const began = harness.now;
    const waits: number[] = [];
    for (let tries = 0; ; tries++) {
      const [upload] = harness.run((turn) => doomedUploads(turn, 10));
      if (upload === undefined) break;
      expect(upload.tries).toBe(tries);
      harness.run((turn) => postponeAbort(turn, upload.uploadId));
      const due = harness.sql.get<{ doomed_at: number }>("SELECT doomed_at FROM uploads");
      if (due === undefined) break;
      expect(harness.run((turn) => doomedUploads(turn, 10))).toEqual([]);
      waits.push(due.doomed_at - harness.now);
      harness.now = due.doomed_at;
    }
    expect(waits.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect(Math.max(...waits)).toBe(15 * MINUTE);
    expect((harness.now - began) / 3_600_000).toBeGreaterThan(20);
    expect((harness.now - began) / 3_600_000).toBeLessThan(30);
  });
});
