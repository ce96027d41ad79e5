import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { takeOutputs } from "../../../../worker-node/media/library/outputs.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trawl-outputs-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const write = (path: string, text = path) => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
};
const take = async (...printed: string[]) => {
  const places = { out: join(dir, "out"), unfinished: join(dir, "tmp"), folders: 2 };
  const { files, leftOut } = await takeOutputs(dir, places, printed);
  return {
    told: files.map(({ kind, language, name }) => [kind, language, name].filter(Boolean).join(" ")),
    files,
    leftOut,
  };
};

it("tells media, subtitles, pictures, the info and the rest apart, in this order", async () => {
  for (const name of ["b.description", "b.info.json", "b.webp", "b.en-US.vtt", "b.live_chat.json", "b.mp4", "b.f.mp4"])
    write(`out/d/d/a/${name}`);
  const { told } = await take(`${dir}/out/d/d/./a/b.mp4`, `${dir}/out/d/d/./a/b.f.mp4`);
  expect(told).toEqual([
    "media a/b.mp4",
    "subtitle en-US a/b.en-US.vtt",
    "thumbnail a/b.webp",
    "info a/b.info.json",
    "other a/b.description",
    "other a/b.f.mp4",
    "other a/b.live_chat.json",
  ]);
});

it("takes nothing that is empty, unfinished, a link or another name of something", async () => {
  write("key", "secret");
  write("out/d/d/a.mp4");
  write("out/d/d/empty.srt", "");
  for (const name of ["a.mp4.part", "a.f1.mp4.part-Frag3", "a.mp4.ytdl", "a.temp.mp4"]) write(`out/d/d/${name}`);
  symlinkSync(join(dir, "key"), join(dir, "out/d/d/a.txt"));
  symlinkSync("/etc", join(dir, "out/d/d/etc"));
  linkSync(join(dir, "key"), join(dir, "out/d/d/a.log"));
  expect((await take()).told).toEqual(["media a.mp4"]);
});

it("names a file that went up from its folder as if the way up had not been there", async () => {
  write("out/d/up.mp4");
  write("out/d/d/in/side.srt");
  write("out/high/up.jpg");
  const { told } = await take(`${dir}/out/d/d/../up.mp4`);
  expect(told).toEqual(["media up.mp4", "subtitle in/side.srt", "thumbnail high/up.jpg"]);
});

it("takes subtitles that yt-dlp forgot among what is unfinished, and no media from there", async () => {
  write("out/d/d/a.mp4");
  write("tmp/d/d/a.de.srt");
  write("tmp/d/d/a.f137.mp4");
  expect((await take()).told).toEqual(["media a.mp4", "subtitle de a.de.srt"]);
});

it("takes the largest for the media file where yt-dlp told none, and says how many it left out", async () => {
  for (let at = 0; at < 40; at++) write(`out/d/d/${String(at).padStart(2, "0")}.mp4`, "x".repeat(at + 1));
  const { told, leftOut } = await take(`${dir}/elsewhere.mp4`);
  expect(told.slice(0, 2)).toEqual(["media 39.mp4", "other 00.mp4"]);
  expect([told.length, leftOut]).toEqual([32, 8]);
});

it("makes text of a name that is none, and takes the file all the same", async () => {
  mkdirSync(join(dir, "out/d/d"), { recursive: true });
  writeFileSync(Buffer.concat([Buffer.from(join(dir, "out/d/d/a")), Buffer.from([0xff]), Buffer.from(".mp4")]), "x");
  const { told, files } = await take();
  expect(told).toEqual(["media a\ufffd.mp4"]);
  expect(files[0]).toMatchObject({ path: join(dir, "file-0.mp4"), size: 1 });
});
