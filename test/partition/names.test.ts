import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commitFailed } from "../../edge/partition/finish.ts";
import { parseReserved } from "../../edge/partition/job-row.ts";
import { runDue } from "../../edge/partition/reap.ts";
import { foldKey } from "../../shared/names.ts";
import { account, id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const NODE = identity("n1");

/** Reserves for a new job and says under which key. */
function reserve(harness: Harness, number: number, title: string, wish = {}, facts = account("ann")): string {
  harness.create(id(number), wish, facts);
  harness.start(id(number));
  const key = parseReserved(harness.extracted(id(number), title))?.key;
  if (key === undefined) throw new Error("nothing reserved");
  return key;
}

function holders(harness: Harness): Record<string, string | null> {
  const rows = harness.sql.all<{ folded: string; job_id: string | null }>("SELECT folded, job_id FROM names");
  return Object.fromEntries(rows.map((row) => [row.folded, row.job_id]));
}

describe("a name", () => {
  it("is the title, then the highest known suffix plus one", () => {
    const harness = new Harness();
    expect(reserve(harness, 1, "Clip")).toBe("videos/Clip.mp4");
    expect(reserve(harness, 2, "Clip")).toBe("videos/Clip (2).mp4");
    expect(reserve(harness, 3, "Clip")).toBe("videos/Clip (3).mp4");
    harness.fail(id(2), "removed");
    // What went free stays a gap, but a plain name that went free is taken first.
    expect(reserve(harness, 4, "Clip")).toBe("videos/Clip (4).mp4");
    harness.fail(id(1), "removed");
    expect(reserve(harness, 5, "Clip")).toBe("videos/Clip.mp4");
  });

  it("collides regardless of case and of how an accent is written", () => {
    const harness = new Harness();
    expect(reserve(harness, 1, "Caf\u00e9")).toBe("videos/Caf\u00e9.mp4");
    expect(reserve(harness, 2, "CAFE\u0301")).toBe("videos/CAF\u00c9 (2).mp4");
  });

  it("never leads into another account's folder, whatever the folder is called", () => {
    const harness = new Harness();
    for (const [index, folder] of ["@bob", "../@bob", "@bob/videos", ".trawl", "/"].entries()) {
      const key = reserve(harness, index + 1, "Clip", { folder });
      expect(key.startsWith("videos/"), key).toBe(true);
      const inside = key.slice("videos/".length).split("/");
      expect(inside.some((part) => part === ".." || part === "." || part === "")).toBe(false);
    }
  });

  it("collides inside one account, folder and format only", () => {
    const harness = new Harness();
    expect(reserve(harness, 1, "Clip")).toBe("videos/Clip.mp4");
    expect(reserve(harness, 2, "Clip", { folder: "a//b/" })).toBe("videos/a/b/Clip.mp4");
    expect(reserve(harness, 3, "Clip", { options: { format: "mkv" } })).toBe("videos/Clip.mkv");
    expect(reserve(harness, 4, "Clip", {}, account("bob"))).toBe("videos/Clip.mp4");
  });

  it("is the asked file name before the title, and the job's id when both are empty", () => {
    const harness = new Harness();
    expect(reserve(harness, 1, "Clip", { filename: "Mine" })).toBe("videos/Mine.mp4");
    expect(reserve(harness, 2, "///", { filename: "..." })).toBe(`videos/${id(2)}.mp4`);
  });

  it("holds a thumbnail's name too, so that both files share their stem", () => {
    const harness = new Harness();
    const wish = { options: { download_thumbnail: true } };
    expect(reserve(harness, 1, "Clip", wish)).toBe("videos/Clip.mp4");
    expect(reserve(harness, 2, "Clip", { options: { format: "mkv", download_thumbnail: true } })).toBe(
      "videos/Clip (2).mkv",
    );
    expect(Object.keys(holders(harness)).toSorted()).toEqual([
      "videos/clip (2).jpg",
      "videos/clip (2).mkv",
      "videos/clip.jpg",
      "videos/clip.mp4",
    ]);
  });

  it("stays the job's over its attempts, whatever title the next one sees", () => {
    const harness = new Harness();
    expect(reserve(harness, 1, "First")).toBe("videos/First.mp4");
    harness.fail(id(1), "network");
    harness.now += MINUTE;
    harness.run((turn) => runDue(turn, { lastHandledAt: turn.now, dueAt: turn.now }));
    harness.start(id(1), NODE);
    expect(parseReserved(harness.extracted(id(1), "Second"))?.key).toBe("videos/First.mp4");
    expect(holders(harness)).toEqual({ "videos/first.mp4": id(1) });
  });

  it("goes free when the job ends without a file, and stays when it has one", () => {
    const harness = new Harness();
    reserve(harness, 1, "Clip");
    harness.fail(id(1), "removed");
    expect(holders(harness)).toEqual({});
    harness.create(id(2));
    harness.finish(id(2), NODE, "Clip");
    expect(holders(harness)).toEqual({ "videos/clip.mp4": id(2) });
  });

  it("is passed over once a foreign object was found under it", () => {
    const harness = new Harness();
    reserve(harness, 1, "Clip");
    harness.complete(id(1));
    harness.run((turn) => commitFailed(turn, id(1), { kind: "taken" }));
    expect(harness.job(id(1))).toMatchObject({ state: "delayed", reserved: null });
    expect(holders(harness)).toEqual({ "videos/clip.mp4": null });
    harness.now += MINUTE;
    harness.run((turn) => runDue(turn, { lastHandledAt: turn.now, dueAt: turn.now }));
    harness.start(id(1));
    expect(parseReserved(harness.extracted(id(1), "Clip"))?.key).toBe("videos/Clip (2).mp4");
  });

  it("follows the file when the store linked it elsewhere, and the one asked for counts as taken", () => {
    const harness = new Harness();
    reserve(harness, 1, "Clip");
    harness.complete(id(1));
    harness.committed(id(1), "@ann/videos/Clip (2).mp4");
    expect(harness.job(id(1)).media_key).toBe("videos/Clip (2).mp4");
    expect(holders(harness)).toEqual({ "videos/clip.mp4": null, "videos/clip (2).mp4": id(1) });
    expect(reserve(harness, 2, "Clip")).toBe("videos/Clip (3).mp4");
  });

  it("stays with the file even if another job had reserved the name that the store chose", () => {
    const harness = new Harness();
    reserve(harness, 1, "Clip");
    expect(reserve(harness, 2, "Clip")).toBe("videos/Clip (2).mp4");
    harness.complete(id(1));
    harness.committed(id(1), "@ann/videos/Clip (2).mp4");
    harness.complete(id(2));
    harness.committed(id(2), "@ann/videos/Clip (3).mp4");
    expect(holders(harness)).toMatchObject({ "videos/clip (2).mp4": id(1), "videos/clip (3).mp4": id(2) });
  });

  it("is never held by two jobs, whatever the titles", () => {
    const title = fc.oneof(
      fc.constantFrom("a", "A", "a (2)", "a (3)", "b"),
      fc.string({ unit: "grapheme", maxLength: 250 }),
    );
    fc.assert(
      fc.property(fc.array(title, { maxLength: 8 }), (titles) => {
        const harness = new Harness();
        const keys = titles.map((each, index) => foldKey(reserve(harness, index + 1, each)));
        expect(new Set(keys).size).toBe(keys.length);
        harness.sql.close();
      }),
      { numRuns: 60 },
    );
  });
});
