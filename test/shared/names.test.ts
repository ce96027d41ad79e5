import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_NAME_BYTES } from "../../shared/limits.ts";
import { cutUtf8, foldKey, sanitiseFolder, sanitiseName, withSuffix } from "../../shared/names.ts";

const bytes = (text: string): number => new TextEncoder().encode(text).length;

/** Section 11.1 by code points and without patterns, as a reader would do it by hand. */
function byRules(text: string): string {
  const isControl = (point: string) => /^\p{Cc}$/u.test(point);
  const isForbidden = (point: string) => '<>:"/\\|?*'.includes(point);
  const isSpace = (point: string) => point.trim() === "";
  const trimmed = (points: string[]) => {
    const inner = (point: string) => point !== "." && point !== " ";
    const [first, last] = [points.findIndex(inner), points.findLastIndex(inner)];
    return first === -1 ? [] : points.slice(first, last + 1);
  };
  const fitting = (points: string[]) =>
    points.slice(
      0,
      points.findIndex((_, at) => bytes(points.slice(0, at + 1).join("")) > 200),
    );
  const cut = (points: string[]) => (bytes(points.join("")) > 200 ? fitting(points) : points);
  const kept = [...text.toWellFormed().normalize("NFC")].filter((point) => !isControl(point) && !isForbidden(point));
  const single: string[] = [];
  for (const point of kept.join("").normalize("NFC")) {
    if (!isSpace(point)) single.push(point);
    else if (single.at(-1) !== " ") single.push(" ");
  }
  const name = trimmed(cut(trimmed(single)));
  const stem = name.join("").split(".")[0] ?? "";
  const devices = ["con", "prn", "aux", "nul", ...[..."123456789"].flatMap((digit) => [`com${digit}`, `lpt${digit}`])];
  return devices.includes(stem.toLowerCase()) ? trimmed(cut(["_", ...name])).join("") : name.join("");
}

describe("the sanitiser, in the order of jobs API 11.1", () => {
  it.each<[rule: string, text: string, name: string]>([
    ["a plain name stays", "A talk", "A talk"],
    ["NFC", "Cafe\u0301", "Café"],
    ["control characters go", "a\u0000b\u001fc\u007fd\u0085e", "abcde"],
    ["what turns the direction of text goes", "a\u202e4pm.exe\u2066b\u2069", "a4pm.exeb"],
    ["a tab is a control character, so it goes before white space is looked at", "a\tb", "ab"],
    ['the nine characters <>:"/\\|?* go', 'a<b>c:d"e/f\\g|h?i*j', "abcdefghij"],
    ["NFC holds after a character between two was removed", "e:\u0301", "é"],
    ["white-space runs become one space", "a \u00a0\u2003\u3000 b", "a b"],
    ["dots and spaces are trimmed at both ends", " ..a. b.. ", "a. b"],
    ["dots inside stay", "v1.2.3", "v1.2.3"],
    ["a cut stands on a code-point border", "é".repeat(101), "é".repeat(100)],
    ["a cut never splits a surrogate pair", `a${"😀".repeat(60)}`, `a${"😀".repeat(49)}`],
    ["trimmed again after the cut", `${"a".repeat(199)} b`, "a".repeat(199)],
    ["a lone surrogate becomes U+FFFD", "a\ud800b", "a\ufffdb"],
    ["nothing left is empty, and the caller takes the job id", ' ..:?<>"\u0007 ', ""],
    ["CON gets a leading _", "CON", "_CON"],
    ["in any case", "nul", "_nul"],
    ["also before a dot", "Aux.mp4", "_Aux.mp4"],
    ["COM1 to COM9", "com7", "_com7"],
    ["LPT1 to LPT9", "LPT9.tar", "_LPT9.tar"],
    ["COM0 is none", "COM0", "COM0"],
    ["CONSOLE is none", "CONSOLE", "CONSOLE"],
    ["a device name that removal lays bare", "C:O:N", "_CON"],
    ["the _ counts among the 200 bytes", `nul.${"a".repeat(196)}`, `_nul.${"a".repeat(195)}`],
    ["brackets of a suffix are nothing special", "a (2)", "a (2)"],
  ])("%s", (_, text, name) => {
    expect(sanitiseName(text)).toBe(name);
  });

  // Everything that the rules name, and everything else.
  const parts = fc.constantFrom(
    ...'abcCONnul1.  \t\u0000\u0085/\\<>:?*|"\u0301\u00a0é😀\ud800',
    "com1",
    "LPT9",
    "e\u0301",
    "\u2126",
  );
  const texts = fc.oneof(
    fc.string({ unit: parts, maxLength: 300 }),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: parts, maxLength: 5 }),
  );

  it("whatever the text: at most 200 bytes of UTF-8, nothing forbidden, NFC, trimmed, no device name", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const name = sanitiseName(text);
        expect(bytes(name)).toBeLessThanOrEqual(MAX_NAME_BYTES);
        expect(name).not.toMatch(/[\p{Cc}<>:"/\\|?*]/u);
        expect(name).not.toMatch(/^[. ]|[. ]$|\s\s/);
        expect(name).not.toMatch(/^(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|$)/i);
        expect(name.normalize("NFC")).toBe(name);
        expect(name.isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is what the rules make of it, one after the other", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(sanitiseName(text)).toBe(byRules(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it("a clean name stays as it is", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const once = sanitiseName(text);
        expect(sanitiseName(once)).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it("a collision suffix keeps all that, and says its number", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 2, max: 99_999 }), (text, number) => {
        const stem = sanitiseName(text) || "job";
        const name = withSuffix(stem, number);
        expect(name.endsWith(` (${number})`)).toBe(true);
        expect(bytes(name)).toBeLessThanOrEqual(MAX_NAME_BYTES);
        expect(sanitiseName(name)).toBe(name);
      }),
    );
  });
});

describe("a collision suffix", () => {
  it("is none for the first, ` (2)` for the second", () => {
    expect(withSuffix("A talk", 1)).toBe("A talk");
    expect(withSuffix("A talk", 2)).toBe("A talk (2)");
  });

  it("cuts the name first, so that 200 bytes hold", () => {
    expect(withSuffix("a".repeat(200), 12)).toBe(`${"a".repeat(195)} (12)`);
    expect(withSuffix(`${"a".repeat(194)} b${"c".repeat(4)}`, 2)).toBe(`${"a".repeat(194)} b (2)`);
    expect(withSuffix(`${"a".repeat(195)} ${"c".repeat(4)}`, 2)).toBe(`${"a".repeat(195)} (2)`);
  });
});

describe("a folder", () => {
  it.each<[rule: string, folder: string, clean: string]>([
    ["each / segment is sanitised alike", "a:b/ c. /CON", "ab/c/_CON"],
    ["empty segments are dropped", "a//b/ /.../c/", "a/b/c"],
    ["one of nothing but forbidden characters is none at all", "???", ""],
    ["a backslash is no separator", "a\\b", "ab"],
  ])("%s", (_, folder, clean) => {
    expect(sanitiseFolder(folder)).toBe(clean);
  });

  it("never climbs out of its place, and a clean one stays as it is", () => {
    const text = fc.string({ unit: fc.constantFrom("a", ".", "/", "\\", " ", "\u0000", "é"), maxLength: 40 });
    fc.assert(
      fc.property(text, (folder) => {
        const clean = sanitiseFolder(folder);
        expect(clean.split("/")).not.toContain("..");
        expect(clean).not.toMatch(/^\/|\/$|\/\//);
        expect(sanitiseFolder(clean)).toBe(clean);
      }),
    );
  });
});

describe("helpers", () => {
  it("cutUtf8 counts bytes, not characters", () => {
    expect(cutUtf8("aé😀", 3)).toBe("aé");
    expect(cutUtf8("aé😀", 6)).toBe("aé");
    expect(cutUtf8("aé😀", 7)).toBe("aé😀");
    expect(cutUtf8("😀", 0)).toBe("");
  });

  it("foldKey compares case-folded and NFC, as the disk store does", () => {
    expect(foldKey("Videos/CAFE\u0301.MP4")).toBe(foldKey("videos/café.mp4"));
    expect(foldKey("a.mp4")).not.toBe(foldKey("a.m4a"));
  });
});
