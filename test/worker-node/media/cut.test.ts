import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyframeCut, type Packet, type SmartCut, smartCut } from "../../../worker-node/media/plan/cut.ts";

const FRAME = 40;

/**
 * A stream in decoding order from groups of pictures in words, `IBBP`: B is decoded after the picture that follows it.
 * With `open` the B-pictures in front of a keyframe are decoded after it.
 */
function stream(groups: readonly string[], open = false): Packet[] {
  const shown = groups.join("").split("");
  const order: number[] = [];
  let waiting: number[] = [];
  for (const [at, kind] of shown.entries()) {
    if (kind === "B") {
      waiting.push(at);
      continue;
    }
    // A closed group ends with a picture that does not wait for the next keyframe.
    const before = kind === "I" && !open ? waiting.splice(0) : [];
    order.push(...before, at, ...waiting);
    waiting = [];
  }
  order.push(...waiting);
  return order.map((picture, at) => ({ pts: picture * FRAME, dts: (at - 2) * FRAME, key: shown[picture] === "I" }));
}

/** The times that a cut shows, in order. */
function shows(packets: readonly Packet[], cut: SmartCut, wanted: readonly number[]): number[] {
  if (cut.kind !== "join") return [...wanted];
  const { head, middle, tail } = cut;
  const times = packets.map(({ pts }) => pts).toSorted((a, b) => a - b);
  const encoded = (part: typeof head) =>
    part === null ? [] : times.slice(times.indexOf(part.first), times.indexOf(part.first) + part.pictures);
  const copied = packets
    .slice(packets.indexOf(middle.key))
    .filter(({ dts }) => middle.untilDts === null || dts < middle.untilDts)
    .map(({ pts }) => pts);
  return [...encoded(head), ...copied.toSorted((a, b) => a - b), ...encoded(tail)];
}

const group = fc
  .array(fc.constantFrom("P", "BP", "BBP"), { minLength: 1, maxLength: 6 })
  .map((rest) => `I${rest.join("")}`);

describe("smartCut", () => {
  it("shows each picture of the clip once and no other, whatever the groups and the ends", () => {
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 8 }),
        fc.nat(3_000),
        fc.nat(3_000),
        (groups, start, length) => {
          const packets = stream(groups);
          const end = start + length + 1;
          const wanted = packets
            .map(({ pts }) => pts)
            .filter((pts) => pts >= start && pts < end)
            .toSorted((a, b) => a - b);
          const cut = smartCut(packets, packets, { start, end, tolerance: 0.5 });
          if (cut === null) {
            expect(wanted).toEqual([]);
            return;
          }
          expect(cut.kind).not.toBe("open");
          expect(shows(packets, cut, wanted)).toEqual(wanted);
          // Only partial groups are encoded: less than one at each end.
          if (cut.kind === "join") {
            const longest = Math.max(...groups.map((one) => one.length));
            expect(cut.head?.pictures ?? 0).toBeLessThan(longest);
            expect(cut.tail?.pictures ?? 0).toBeLessThan(longest);
          }
        },
      ),
      { seed: 7, numRuns: 2_000 },
    );
  });

  it("does not encode a tail that can be copied to the picture", () => {
    const packets = stream(["IPPPP", "IPPPP"]);
    expect(smartCut(packets, packets, { start: 0, end: 7 * FRAME, tolerance: 0.5 })).toMatchObject({
      kind: "join",
      head: null,
      tail: null,
      middle: { untilDts: 4.5 * FRAME },
    });
  });

  it("leaves open groups alone", () => {
    const packets = stream(["IBBPBB", "IBBPBB", "IBBP"], true);
    expect(smartCut(packets, packets, { start: 100, end: 500, tolerance: 0.5 })?.kind).toBe("open");
  });

  it("has nothing to cut where no picture is left", () => {
    expect(smartCut(stream(["IPP"]), [], { start: 1_000, end: null, tolerance: 0.5 })).toBeNull();
  });
});

describe("keyframeCut", () => {
  it("begins at a keyframe at or before the start, and loses no picture before the end", () => {
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        fc.nat(3_000),
        fc.nat(3_000),
        (groups, open, start, length) => {
          const packets = stream(groups, open);
          const end = start + length + 1;
          const cut = keyframeCut(packets, packets, { start, end, tolerance: 0.5 });
          if (cut === null) throw new Error("there is always a keyframe");
          expect(cut.key.pts).toBeLessThanOrEqual(start + 0.5);
          const kept = packets
            .slice(packets.indexOf(cut.key))
            .filter(({ pts, dts }) => pts >= cut.key.pts && (cut.untilDts === null || dts < cut.untilDts))
            .map(({ pts }) => pts)
            .toSorted((a, b) => a - b);
          // One after another, without a hole, and to the end that is told.
          for (const [at, pts] of kept.entries()) expect(pts).toBe(cut.key.pts + at * FRAME);
          const last = Math.max(...packets.map(({ pts }) => pts));
          expect((kept.at(-1) ?? 0) + FRAME).toBeGreaterThanOrEqual(Math.min(end, last));
          if (cut.end !== null && kept.length > 0) expect(cut.end).toBe((kept.at(-1) ?? 0) + FRAME);
        },
      ),
      { seed: 7, numRuns: 2_000 },
    );
  });
});
