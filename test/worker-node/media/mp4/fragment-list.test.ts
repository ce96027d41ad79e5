import { describe, expect, it } from "vitest";
import { readFragmentList } from "../../../../worker-node/media/mp4/fragment-list.ts";
import { locateFragments, locateMovie } from "../../../../worker-node/media/mp4/locate.ts";
import { ByteWindow, LOOK_BYTES } from "../../../../worker-node/media/mp4/window.ts";
import { box, word } from "./film.ts";

const list = (entries: number[][], version = 0, offset = 20) =>
  box(
    "sidx",
    word(version << 24, 1, 1_000),
    ...(version === 0 ? [word(0, offset)] : [word(0, 0, 0, offset)]),
    word(entries.length),
    ...entries.map(([size = 0, duration = 0]) => word(size, duration, 0x90000000)),
  );
const TWO = [
  [100, 2_000],
  [300, 1_500],
];
const END = 1_000;

describe("the list of a file's fragments", () => {
  it.each([0, 1])("says how long each is and where it lies, in version %s", (version) => {
    expect(readFragmentList(list(TWO, version), END, 2_000)).toEqual({
      seconds: [2, 1.5],
      ranges: [
        { start: 1_020, end: 1_120 },
        { start: 1_120, end: 1_420 },
      ],
    });
  });

  const noTime = list(TWO);
  noTime.writeUInt32BE(0, 16);
  it.each<[string, Buffer]>([
    ["of other lists", list([[0x80000064, 2_000]])],
    ["beyond the end of the file", list([[1_500, 2_000]])],
    ["that begins beyond the end of the file", list(TWO, 0, 0xffff_ffff)],
    ["of nothing", list([])],
    ["of fragments without bytes", list([[0, 2_000]])],
    ["without a clock", noTime],
    ["cut short", list(TWO).subarray(0, 50)],
    ["cut off in its head", list(TWO).subarray(0, 20)],
  ])("is not believed when it is one %s", (_what, sidx) => {
    expect(readFragmentList(sidx, END, 2_000)).toBeNull();
  });
});

describe("the index of a file", () => {
  /** Looks for it as through a server; the bytes that were asked for besides the first. */
  async function locate(file: Buffer) {
    let asked = 0;
    const window = new ByteWindow(file.subarray(0, LOOK_BYTES), file.length, async ({ start, end }) => {
      asked += end - start;
      return file.subarray(start, end);
    });
    const located = await locateMovie(window);
    const forMovie = asked;
    const fragments = located && (await locateFragments(window, located));
    return { located, fragments, asked: forMovie };
  }
  const ftyp = box("ftyp", Buffer.from("isom"), word(0));
  const moov = box("moov", Buffer.alloc(5_000, "m"));
  const media = box("mdat", Buffer.alloc(3_000_000));

  it("is found in front with nothing more to ask", async () => {
    expect(await locate(Buffer.concat([ftyp, moov, media]))).toMatchObject({ located: { ftyp, moov }, asked: 0 });
  });

  it("is found behind the media with one question", async () => {
    const { located, asked } = await locate(Buffer.concat([ftyp, box("free"), media, moov]));
    expect(located).toMatchObject({ ftyp, moov });
    expect(asked).toBe(moov.length);
  });

  it("larger than the first look is asked for by its rest alone", async () => {
    const large = box("moov", Buffer.alloc(2 * LOOK_BYTES, "m"));
    const { located, asked } = await locate(Buffer.concat([ftyp, large, media]));
    expect(located?.moov.equals(large)).toBe(true);
    expect(asked).toBe(ftyp.length + large.length - LOOK_BYTES);
  });

  it("of fragments is found behind it", async () => {
    const sidx = list(TWO);
    const { fragments } = await locate(Buffer.concat([ftyp, moov, box("free"), sidx, box("moof"), media]));
    expect(fragments).toEqual({ sidx, end: ftyp.length + moov.length + 8 + sidx.length });
  });

  it.each<[string, Buffer[]]>([
    ["a page", [Buffer.from("<html><body>no</body></html>")]],
    ["a file that ends inside a box", [ftyp, media.subarray(0, 1_000)]],
    ["a file in fragments without one", [ftyp, box("moof"), media, moov]],
    ["boxes without end", Array.from({ length: 40 }, () => box("free")).concat(moov)],
    ["a box of the length 7", [ftyp, word(7), Buffer.from("moov")]],
  ])("is not looked for in %s", async (_what, boxes) => {
    expect((await locate(Buffer.concat(boxes))).located).toBeNull();
  });

  it.each<[string, Buffer[]]>([
    ["it has none", [ftyp, moov, media]],
    ["there are several", [ftyp, moov, list(TWO), list(TWO), media]],
  ])("has no list of fragments where %s", async (_what, boxes) => {
    expect((await locate(Buffer.concat(boxes))).fragments).toBeNull();
  });
});
