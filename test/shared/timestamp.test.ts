import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTimestamp } from "../../shared/timestamp.ts";

describe("a clip time is `HH:MM:SS`, `MM:SS` or seconds, up to three decimals (jobs API 3.1)", () => {
  it.each<[string, number]>([
    ["90", 90],
    ["0", 0],
    ["90.5", 90.5],
    ["0.125", 0.125],
    ["1:30", 90],
    ["01:30", 90],
    ["01:30.250", 90.25],
    ["1:02:03", 3_723],
    ["00:00:00", 0],
    ["12:59:59.999", 46_799.999],
    ["100:00:00", 360_000],
    ["90:00", 5_400],
    ["60:59.5", 3_659.5],
    ["600:00", 36_000],
  ])("%j is %d s", (text, seconds) => {
    expect(parseTimestamp(text)).toBe(seconds);
  });

  it.each([
    "",
    " 90",
    "90 ",
    "90s",
    "1m30s",
    "-5",
    "+5",
    "1e3",
    "0x10",
    "90.",
    ".5",
    "90.1234",
    "1:2:3:4",
    "00:60",
    "00:60:00",
    "1:90:00",
    "90:60",
    "123456:00",
    "01:30.2505",
    "1.5:30",
    ":30",
    "1::30",
    "٣٠",
    "NaN",
    "90\n",
  ])("%j is none", (text) => {
    expect(parseTimestamp(text)).toBeNull();
  });

  it("hours, minutes and seconds add up, however they are padded", () => {
    const part = fc.integer({ min: 0, max: 59 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99 }), part, part, fc.integer({ min: 0, max: 999 }), (h, m, s, ms) => {
        const total = h * 3600 + m * 60 + s + ms / 1000;
        const tail = `${String(s).padStart(2, "0")}.${String(ms).padStart(3, "0")}`;
        expect(parseTimestamp(`${h}:${m}:${tail}`)).toBeCloseTo(total, 3);
        expect(parseTimestamp(`${String(h).padStart(2, "0")}:${String(m).padStart(2, "0")}:${tail}`)).toBeCloseTo(
          total,
          3,
        );
      }),
    );
  });

  it("without hours, minutes go on past 59; seconds never do", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: 0, max: 99 }), (minutes, seconds) => {
        const text = `${minutes}:${String(seconds).padStart(2, "0")}`;
        expect(parseTimestamp(text)).toBe(seconds < 60 ? minutes * 60 + seconds : null);
      }),
    );
  });

  it("any text is a number of seconds or nothing, never NaN", () => {
    const near = fc.string({ unit: fc.constantFrom("0", "5", "9", ":", ".", "-", " ") });
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const seconds = parseTimestamp(text);
        expect(seconds === null || (Number.isFinite(seconds) && seconds >= 0)).toBe(true);
      }),
    );
  });
});
