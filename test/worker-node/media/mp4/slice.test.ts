import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Movie, readMovie } from "../../../../worker-node/media/mp4/movie.ts";
import { type Slice, sliceMovie } from "../../../../worker-node/media/mp4/slice.ts";
import { writeSlice } from "../../../../worker-node/media/mp4/write-slice.ts";
import { box, type Film, type FilmTrack, films, word, writeFilm } from "./film.ts";

const NOTHING_SPARE = { back: 0, ahead: 0 };
/** What `clip.ts` reads of a picture around the two ends, and the encoder in front. */
const READ_SECONDS = 2;

/** The rule of time, sample by sample: seconds since the movie begins, as ffmpeg has them. */
function timesOf(film: Film, track: FilmTrack): { index: number; shown: number; until: number; inside: boolean }[] {
  let dts = 0;
  const edit = track.edit ?? { empty: 0, mediaTime: Number.NEGATIVE_INFINITY, duration: Number.POSITIVE_INFINITY };
  const length = (edit.duration / film.timescale) * track.timescale;
  const spread = track.samples.map((sample, index) => {
    const cts = dts + sample.shift;
    dts += sample.duration;
    return { index, cts, until: cts + sample.duration, inside: cts >= edit.mediaTime && cts < edit.mediaTime + length };
  });
  const seen = spread.filter(({ inside }) => inside).map(({ cts }) => cts);
  const begins = track.edit === null ? 0 : track.kind === "vide" ? Math.min(...seen) : edit.mediaTime;
  const zero = begins - (edit.empty / film.timescale) * track.timescale;
  const seconds = (ticks: number) => (ticks - zero) / track.timescale;
  return spread.map(({ index, cts, until, inside }) => ({ index, shown: seconds(cts), until: seconds(until), inside }));
}

const sliced = (film: Film, start: number, end: number | null) => {
  const written = writeFilm(film);
  const movie = readMovie(written.moov);
  if (movie === null) throw new Error("no movie");
  const slice = sliceMovie(movie, { start, end, soundOnly: false, spare: NOTHING_SPARE }, written.file.length);
  return { ...written, movie, slice };
};
const isSlice = (slice: ReturnType<typeof sliceMovie>): slice is Slice => typeof slice === "object" && slice !== null;

/** The file that a clip gets: its beginning, and the ranges one behind the other. */
function assembled(movie: Movie, slice: Slice, file: Buffer): Buffer | null {
  const beginning = writeSlice(movie, slice, Buffer.alloc(0));
  return (
    beginning && Buffer.concat([beginning.bytes, ...slice.ranges.map(({ start, end }) => file.subarray(start, end))])
  );
}

const seconds = fc.integer({ min: 0, max: 400 }).map((tenths) => tenths / 10);

describe("the tables of a movie", () => {
  it("say of every sample what was written of it, from wherever they are read", () => {
    fc.assert(
      fc.property(films, fc.nat(50), (film, first) => {
        const { moov, offsets } = writeFilm(film);
        const movie = readMovie(moov);
        expect(movie?.tracks).toHaveLength(film.tracks.length);
        for (const [at, { samples }] of film.tracks.entries()) {
          let dts = 0;
          const expected = samples.map(({ duration, shift, size, sync }, index) => {
            dts += duration;
            return {
              index,
              dts: dts - duration,
              cts: dts - duration + shift,
              duration,
              size,
              sync,
              offset: offsets[at]?.[index],
            };
          });
          const read = [...(movie?.tracks[at]?.tables.samples(first, samples.length) ?? [])];
          // One object is handed out again and again.
          expect(read.length).toBe(Math.max(0, samples.length - first));
          const copies = [];
          for (const { beginsChunk: _, ...sample } of movie?.tracks[at]?.tables.samples(first, samples.length) ?? [])
            copies.push(sample);
          expect(copies).toEqual(expected.slice(first));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("a slice of a movie", () => {
  it("has all that a clip needs: from a key frame before the start on, and the sound to it", () => {
    fc.assert(
      fc.property(films, seconds, seconds, (film, start, length) => {
        const { movie, slice } = sliced(film, start, start + length + 0.1);
        if (!isSlice(slice)) return;
        const [from, to] = [movie.startSeconds + start, movie.startSeconds + start + length + 0.1];
        let needed = from - READ_SECONDS;
        const order = film.tracks.map((_, at) => at).toSorted((a) => (film.tracks[a]?.kind === "vide" ? -1 : 1));
        for (const at of order) {
          const track = film.tracks[at] as FilmTrack;
          const kept = slice.tracks[at] as Slice["tracks"][number];
          const times = timesOf(film, track);
          expect(track.samples[kept.first]?.sync).toBe(true);
          if (track.kind === "vide") {
            const keys = times.filter(({ index, shown }) => track.samples[index]?.sync && shown <= needed);
            // The last one in decoding order that is shown before what is read, or an earlier one.
            if (keys.length > 0) expect(kept.first).toBeLessThanOrEqual(keys.at(-1)?.index ?? 0);
            needed = Math.min(needed, times[kept.first]?.shown ?? 0);
          }
          const wanted = times.filter(({ shown, until }) => until > needed && shown < to + READ_SECONDS);
          for (const { index, shown } of wanted)
            if (track.kind === "soun" || shown >= from) expect(index).toBeGreaterThanOrEqual(kept.first);
          for (const { index } of wanted) expect(index).toBeLessThan(kept.last);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("is a file of which every sample has its own bytes at the time that it has in the whole", () => {
    let compared = 0;
    fc.assert(
      fc.property(films, seconds, fc.option(seconds), (film, start, length) => {
        const { file, movie, slice, offsets } = sliced(film, start, length === null ? null : start + length + 0.1);
        if (!isSlice(slice)) return;
        const made = assembled(movie, slice, file);
        if (made === null) return;
        const again = readMovie(made.subarray(0, made.readUInt32BE(0)));
        expect(again?.tracks).toHaveLength(film.tracks.length);
        for (const [at, track] of film.tracks.entries()) {
          const [kept, mine] = [slice.tracks[at], again?.tracks[at]];
          if (kept === undefined || mine === undefined) throw new Error("a track is missing");
          const { first, last } = kept;
          const times = timesOf(film, track).slice(first, last);
          const edit = mine.edit ?? { empty: 0, mediaTime: 0, duration: 0 };
          const samples = [];
          for (const sample of mine.tables.samples(0, last - first)) samples.push({ ...sample });
          expect(samples).toHaveLength(last - first);
          const inside = samples.filter(({ cts }) => cts >= edit.mediaTime && cts < edit.mediaTime + edit.duration);
          const begins = track.kind === "vide" ? Math.min(...inside.map(({ cts }) => cts)) : edit.mediaTime;
          for (const [nth, sample] of samples.entries()) {
            const old = track.samples[first + nth];
            const from = offsets[at]?.[first + nth] ?? 0;
            expect(sample).toMatchObject({ size: old?.size, sync: old?.sync, duration: old?.duration });
            expect(made.subarray(sample.offset, sample.offset + sample.size)).toEqual(
              file.subarray(from, from + sample.size),
            );
            const shown = (sample.cts - begins + edit.empty) / track.timescale;
            expect(shown).toBeCloseTo(times[nth]?.shown ?? Number.NaN, 6);
            compared += 1;
          }
        }
      }),
      { numRuns: 100 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  it("fetches nothing twice, nothing that is not there, and in few questions", () => {
    fc.assert(
      fc.property(films, seconds, seconds, (film, start, length) => {
        const { file, slice } = sliced(film, start, start + length + 0.1);
        if (!isSlice(slice)) return;
        let end = -1;
        for (const range of slice.ranges) {
          expect(range.start).toBeGreaterThan(end);
          expect(range.end).toBeGreaterThan(range.start);
          end = range.end;
        }
        expect(end).toBeLessThanOrEqual(file.length);
        expect(slice.ranges.length).toBeLessThanOrEqual(64);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a stranger's index", () => {
  const sound: Film = {
    timescale: 100,
    gap: 0,
    wide: false,
    small: false,
    tracks: [
      {
        kind: "vide",
        timescale: 1_000,
        chunks: [10, 10, 10, 10, 10, 10],
        samples: Array.from({ length: 60 }, (_, at) => ({ duration: 500, shift: 0, size: 100, sync: at % 6 === 0 })),
        edit: null,
      },
    ],
  };
  const { moov, file } = writeFilm(sound);
  const wanted = { start: 20, end: 22, soundOnly: false, spare: NOTHING_SPARE };
  /** The number at an offset behind the name of a box, made another. */
  const changed = (name: string, offset: number, value: number): Buffer => {
    const copy = Buffer.from(moov);
    copy.writeUInt32BE(value, copy.indexOf(name) + 4 + offset);
    return copy;
  };

  it.each<[string, Buffer]>([
    ["more times than there can be", changed("stts", 4, 0xffff_ffff)],
    ["negative times", changed("stts", 12, 0xffff_ff00)],
    ["samples beyond number, all of one size", changed("stsz", 8, 0xffff_ffff)],
    ["sizes beyond the table", changed("stsz", 8, 1_000_000)],
    ["no chunk for its samples", changed("stco", 4, 1)],
    ["empty chunks", changed("stsc", 12, 0)],
    ["chunks that go back", changed("stsc", 20, 0)],
    ["two kinds of samples", changed("stsc", 16, 2)],
    ["key frames out of order", changed("stss", 8, 50)],
    ["no key frame", changed("stss", 4, 0)],
    ["pictures shown hours after they are decoded", changed("ctts", 12, 20_000_000)],
    ["no time", changed("mdhd", 12, 0)],
    ["an encrypted track", Buffer.from(moov.toString("latin1").replace("avc1", "encv"), "latin1")],
    ["fragments", Buffer.concat([word(moov.length + 8), moov.subarray(4), box("mvex")])],
    ["nothing", box("moov")],
  ])("with %s is not believed", (_what, bytes) => {
    expect(readMovie(bytes)).toBeNull();
  });

  it("that tells of the times of 2^32 samples is read as far as there are samples", () => {
    const movie = readMovie(changed("stts", 8, 0xffff_ffff)) as Movie;
    const plain = sliceMovie(readMovie(moov) as Movie, wanted, file.length);
    expect(sliceMovie(movie, wanted, file.length)).toMatchObject({ ranges: (plain as Slice).ranges });
  });

  it("whose samples lie where the file is not is not followed", () => {
    const movie = readMovie(changed("stco", 24, 0xffff_fff0)) as Movie;
    expect(sliceMovie(movie, wanted, file.length)).toBeNull();
    expect(sliceMovie(readMovie(moov) as Movie, wanted, file.length)).toMatchObject({ bytes: expect.any(Number) });
  });

  it("of any bytes neither throws nor hangs", () => {
    const places = fc.array(fc.tuple(fc.nat(moov.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(places, (changes) => {
        const copy = Buffer.from(moov);
        for (const [at, value] of changes) copy[at] = value;
        const movie = readMovie(copy);
        const slice = movie && sliceMovie(movie, wanted, file.length);
        if (movie !== null && isSlice(slice)) writeSlice(movie, slice, Buffer.alloc(0));
      }),
      { numRuns: 100 },
    );
  });

  it("of a minute is asked for by its end too, and told when it is over before the start", () => {
    const movie = readMovie(moov) as Movie;
    expect(sliceMovie(movie, { ...wanted, start: 29, end: null }, file.length)).toMatchObject({
      tracks: [{ first: 48, last: 60 }],
    });
    expect(sliceMovie(movie, { ...wanted, start: 30, end: null }, file.length)).toBe("behind");
  });
});
