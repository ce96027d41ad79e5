/** Films out of numbers: an MP4 written sample by sample, as simply as it can be, for the readers of tables to be held against. */
import fc from "fast-check";

export interface FilmSample {
  duration: number;
  /** From decoding to showing. */
  shift: number;
  size: number;
  sync: boolean;
}

export interface FilmTrack {
  kind: "vide" | "soun";
  timescale: number;
  samples: FilmSample[];
  /** Samples of each chunk. */
  chunks: number[];
  edit: { empty: number; mediaTime: number; duration: number } | null;
}

export interface Film {
  timescale: number;
  tracks: FilmTrack[];
  /** Bytes that belong to nobody, in front of every eighth chunk. */
  gap: number;
  wide: boolean;
  small: boolean;
}

export interface Written {
  file: Buffer;
  moov: Buffer;
  /** Where each sample lies, by track. */
  offsets: number[][];
}

export const word = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
};
/** Bytes none of which are like their neighbours. */
const spread = (_: unknown, at: number) => Math.imul(at + 1, 0x9e3779b1) >>> 0;
const long = (value: number): Buffer => word(Math.floor(value / 2 ** 32), value % 2 ** 32);

export function box(type: string, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([word(content.length + 8), Buffer.from(type, "latin1"), content]);
}

/** The chunks of all tracks in turn, one after another, and the index behind them. */
export function writeFilm(film: Film): Written {
  const ftyp = box("ftyp", Buffer.from("isom"), word(0), Buffer.from("isom"));
  const offsets: number[][] = film.tracks.map(() => []);
  const starts: number[][] = film.tracks.map(() => []);
  const next = film.tracks.map(() => 0);
  let at = ftyp.length + 8;
  for (let turn = 0; film.tracks.some(({ chunks }) => turn < chunks.length); turn++) {
    for (const [track, { chunks, samples }] of film.tracks.entries()) {
      const count = chunks[turn];
      if (count === undefined) continue;
      if (turn % 8 === 7) at += film.gap;
      starts[track]?.push(at);
      for (let left = count; left > 0; left--) {
        offsets[track]?.push(at);
        at += samples[next[track] ?? 0]?.size ?? 0;
        next[track] = (next[track] ?? 0) + 1;
      }
    }
  }
  const data = Buffer.from(Uint32Array.from({ length: Math.ceil((at - ftyp.length - 8) / 4) }, spread).buffer);
  const traks = film.tracks.map((track, index) => writeTrack(film, track, starts[index] ?? []));
  const moov = box("moov", box("mvhd", word(0, 0, 0, film.timescale, 0), Buffer.alloc(80)), ...traks);
  return { file: Buffer.concat([ftyp, box("mdat", data), moov]), moov, offsets };
}

function writeTrack(film: Film, track: FilmTrack, starts: number[]): Buffer {
  const { samples, chunks, edit } = track;
  const sync = samples.flatMap((sample, at) => (sample.sync ? [at + 1] : []));
  const sizes = samples.map(({ size }) => size);
  const bytes = (values: number[]) => Buffer.from(values);
  const stbl = box(
    "stbl",
    box("stsd", word(0, 1), box(track.kind === "vide" ? "avc1" : "mp4a", Buffer.alloc(20))),
    box("stts", word(0, samples.length), ...samples.map(({ duration }) => word(1, duration))),
    ...(track.kind === "vide"
      ? [
          box("ctts", word(0x01000000, samples.length), ...samples.map(({ shift }) => word(1, shift))),
          box("stss", word(0, sync.length, ...sync)),
        ]
      : []),
    box("stsc", word(0, chunks.length), ...chunks.map((count, at) => word(at + 1, count, 1))),
    film.small
      ? box("stz2", word(0, 8, samples.length), bytes(sizes))
      : box("stsz", word(0, 0, samples.length, ...sizes)),
    film.wide
      ? box("co64", word(0, starts.length), ...starts.map(long))
      : box("stco", word(0, starts.length, ...starts)),
  );
  const entries = edit === null ? [] : [...(edit.empty > 0 ? [[edit.empty, -1]] : []), [edit.duration, edit.mediaTime]];
  const elst = box(
    "elst",
    word(0, entries.length),
    ...entries.map(([length = 0, at = 0]) => word(length, at, 0x10000)),
  );
  return box(
    "trak",
    box("tkhd", word(7, 0, 0, 1, 0, 0), Buffer.alloc(60)),
    ...(edit === null ? [] : [box("edts", elst)]),
    box(
      "mdia",
      box("mdhd", word(0, 0, 0, track.timescale, 0, 0)),
      box("hdlr", word(0, 0), Buffer.from(track.kind), Buffer.alloc(13)),
      box("minf", stbl),
    ),
  );
}

const track = (kind: FilmTrack["kind"]): fc.Arbitrary<FilmTrack> =>
  fc
    .record({
      timescale: fc.constantFrom(25, 600, 1_000, 12_800, 90_000),
      perSecond: fc.integer({ min: 2, max: 12 }),
      samples: fc.array(
        fc.record({
          pace: fc.integer({ min: 1, max: 3 }),
          shift: kind === "vide" ? fc.integer({ min: -2, max: 4 }) : fc.constant(0),
          size: fc.integer({ min: 0, max: 255 }),
          sync: fc.boolean(),
        }),
        { minLength: 30, maxLength: 200 },
      ),
      perChunk: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      edit: fc.option(fc.record({ empty: fc.integer({ min: 0, max: 3 }), mediaTime: fc.integer({ min: 0, max: 6 }) })),
    })
    .map(({ timescale, perSecond, samples, perChunk, edit }) => {
      const tick = Math.max(2, Math.floor(timescale / perSecond));
      const chunks: number[] = [];
      for (let left = samples.length, at = 0; left > 0; at++) {
        const count = Math.min(left, perChunk[at % perChunk.length] ?? 1);
        chunks.push(count);
        left -= count;
      }
      return {
        kind,
        timescale,
        chunks,
        samples: samples.map(({ pace, shift, size, sync }, at) => ({
          duration: pace * tick,
          shift: shift * tick,
          size,
          sync: kind === "soun" || at === 0 || sync,
        })),
        // In whole seconds of the movie: no rounding decides.
        edit: edit === null ? null : { empty: edit.empty * 100, mediaTime: edit.mediaTime * tick, duration: 1_000_000 },
      };
    });

export const films: fc.Arbitrary<Film> = fc.record({
  timescale: fc.constant(100),
  tracks: fc.oneof(
    fc.tuple(track("vide"), track("soun")),
    fc.tuple(track("soun"), track("vide")),
    fc.tuple(track("vide")),
    fc.tuple(track("soun")),
  ),
  gap: fc.constantFrom(0, 7, 300_000),
  wide: fc.boolean(),
  small: fc.boolean(),
});
