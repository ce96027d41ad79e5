/** Names that yt-dlp made of an output template: where they lead, how they collide, what follows the media file (library API 3.6). */
import { describe, expect, it } from "vitest";
import { commitFailed } from "../../edge/partition/finish.ts";
import { parseReserved } from "../../edge/partition/job-row.ts";
import { reservedKeys } from "../../edge/partition/names.ts";
import { runDue } from "../../edge/partition/reap.ts";
import { complete } from "../../edge/partition/report.ts";
import { addUpload, findUpload, uploadPlace } from "../../edge/partition/uploads.ts";
import { featureTag, LIBRARY_RUN } from "../../shared/contract/fleet.ts";
import type { FileKind } from "../../shared/contract/media.ts";
import { account, id, identity, manifest, OPTIONS } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const NODE = identity("n1", { tags: [featureTag(LIBRARY_RUN)] });
const LIBRARY = { args: [], template: "%(title)s.%(ext)s", template_chapter: "%(title)s.%(ext)s" };

function start(harness: Harness, number: number, wish = {}, facts = account("ann")): string {
  const job = id(number);
  const tags = [featureTag(LIBRARY_RUN)];
  harness.create(job, { surface: "library", tags, options: { library: LIBRARY }, ...wish }, facts);
  harness.start(job, NODE);
  harness.extracted(job);
  return job;
}

/** Asks for a ticket as a node does. */
function place(harness: Harness, job: string, name: string | undefined, kind: FileKind = "media") {
  return harness.run((turn) => uploadPlace(turn, harness.job(job), kind, null, name));
}
const pathOf = (...asked: Parameters<typeof place>) => place(...asked)?.path;

describe("a rendered name", () => {
  it("is reserved when its media file is asked for, and not before", () => {
    const harness = new Harness();
    const job = start(harness, 1);
    expect(harness.job(job).reserved).toBeNull();
    expect(place(harness, job, undefined)).toBeNull();
    expect(place(harness, job, "A talk.en.srt", "subtitle")).toBeNull();
    expect(place(harness, job, "A talk.webm")).toMatchObject({
      path: "A talk.webm",
      storeKey: "@ann/A talk.webm",
      contentType: "video/webm",
    });
    expect(parseReserved(harness.job(job))).toMatchObject({ key: "A talk.webm", rendered: "A talk.webm" });
  });

  it.each([
    ["Season 1/A talk.mp4", null, "Season 1/A talk.mp4"],
    ["A talk.mp4", "talks/2026", "talks/2026/A talk.mp4"],
    ["../../etc/A talk.mp4", "../up", "up/etc/A talk.mp4"],
    ["/etc/passwd", null, "etc/passwd.bin"],
    ["@bob/A talk.mp4", null, "bob/A talk.mp4"],
    ["A talk.mp4", "@bob", "bob/A talk.mp4"],
    ["A talk.mp4", "/ @bob", "bob/A talk.mp4"],
    ["../@bob/A talk.mp4", null, "bob/A talk.mp4"],
    [".cache/.hidden.mp4", null, "cache/hidden.mp4"],
    ["a\\b:c?.mp4", null, "abc.mp4"],
    ["no ending", null, "no ending.bin"],
    ["...", null, `${id(1)}.bin`],
  ])("%j in the folder %j is %j", (name, folder, path) => {
    const harness = new Harness();
    const job = start(harness, 1, { folder });
    expect(pathOf(harness, job, name)).toBe(path);
  });

  it("that is taken gets the next suffix, and what bears the media file's name follows it", () => {
    const harness = new Harness();
    const [first, second] = [start(harness, 1), start(harness, 2)];
    expect(pathOf(harness, first, "s/A talk.mp4")).toBe("s/A talk.mp4");
    expect(pathOf(harness, second, "s/A TALK.mp4")).toBe("s/A TALK (2).mp4");
    expect(pathOf(harness, second, "s/A TALK.en.srt", "subtitle")).toBe("s/A TALK (2).en.srt");
    expect(pathOf(harness, second, "s/A TALK.info.json", "info")).toBe("s/A TALK (2).info.json");
    expect(pathOf(harness, second, "s/A TALK.jpg", "thumbnail")).toBe("s/A TALK (2).jpg");
    // Not the media file's name: one of its own, for which others are looked at too.
    expect(pathOf(harness, first, "s/A talk - 001 Begin.mp4", "other")).toBe("s/A talk - 001 Begin.mp4");
    expect(pathOf(harness, second, "s/A talk - 001 Begin.mp4", "other")).toBe("s/A talk - 001 Begin (2).mp4");
    expect(pathOf(harness, second, "s/A talk - 001 Begin.mp4", "other")).toBe("s/A talk - 001 Begin (2).mp4");
    expect(pathOf(harness, second, "A TALK.txt", "other")).toBe("A TALK.txt");
  });

  it("collides with those of other surfaces too", () => {
    const harness = new Harness();
    harness.create(id(9));
    harness.finish(id(9), identity("n2"), "Clip");
    const job = start(harness, 1, { folder: "videos" });
    expect(pathOf(harness, job, "Clip.mp4")).toBe("videos/Clip (2).mp4");
  });

  it("stays for the next attempt, which may render another one", () => {
    const harness = new Harness();
    const job = start(harness, 1);
    const other = start(harness, 2);
    pathOf(harness, job, "A talk.mp4");
    harness.fail(job, "network");
    again(harness, job);
    expect(pathOf(harness, job, "A talk.mp4")).toBe("A talk.mp4");
    expect(pathOf(harness, job, "B talk.mp4")).toBe("B talk.mp4");
    expect(pathOf(harness, other, "A talk.mp4")).toBe("A talk.mp4");
  });

  it("under which a foreign object lies is passed over by the next attempt", () => {
    const harness = new Harness();
    const job = start(harness, 1);
    begin(harness, job, "u1", "A talk.mp4");
    harness.run((turn) => complete(turn, harness.job(job), manifest([{ uploadId: "u1" }])));
    harness.run((turn) => commitFailed(turn, job, { kind: "taken" }));
    again(harness, job);
    expect(pathOf(harness, job, "A talk.mp4")).toBe("A talk (2).mp4");
  });

  it("is held again after a rebuild by the key it stands for", () => {
    const harness = new Harness();
    const job = start(harness, 1);
    pathOf(harness, job, "s/A talk.mkv");
    const reserved = parseReserved(harness.job(job));
    expect(reserved && reservedKeys(OPTIONS, reserved)).toEqual(["s/A talk.mkv"]);
  });
});

/** The next attempt, up to its look. */
function again(harness: Harness, job: string): void {
  harness.now += MINUTE;
  harness.run((turn) => runDue(turn, { lastHandledAt: turn.now, dueAt: turn.now }));
  harness.start(job, NODE);
  harness.extracted(job);
}

function begin(harness: Harness, job: string, uploadId: string, name: string, kind: FileKind = "media"): void {
  harness.run((turn) => {
    const held = harness.job(job);
    const at = uploadPlace(turn, held, kind, null, name);
    if (at === null) throw new Error("no place");
    addUpload(turn, held, { uploadId, token: harness.token(job), kind, language: null, name, partSize: 100 }, at);
  });
}

describe("uploads of such a job", () => {
  it("are told apart by their names, though kind and language are one", () => {
    const harness = new Harness();
    const job = start(harness, 1);
    begin(harness, job, "u1", "A.mp4");
    begin(harness, job, "u2", "A.webp", "thumbnail");
    begin(harness, job, "u3", "A.jpg", "thumbnail");
    const found = (name: string) =>
      harness.run((turn) => findUpload(turn, harness.job(job), harness.token(job), "thumbnail", null, name));
    expect([found("A.webp")?.uploadId, found("A.jpg")?.uploadId, found("A.png")]).toEqual(["u2", "u3", null]);
  });
});

describe("a job of the library API", () => {
  it("goes to a node that runs yt-dlp by a job's own options, and to no other", () => {
    const harness = new Harness();
    harness.create(id(1), { tags: [featureTag(LIBRARY_RUN)], options: { library: LIBRARY } });
    expect(harness.lease(identity("n2", { tags: ["library-run"] }))).toEqual([]);
    expect(harness.lease(NODE)).toEqual([id(1)]);
  });
});
