import { describe, expect, it } from "vitest";
import { classOf, NAMED_OPTIONS } from "../../../edge/library/command-line/option-classes.ts";
import { nameOf } from "../../../edge/library/command-line/option-names.ts";
import { SHIPPED_OPTIONS, SHIPPED_VERSION } from "../../../edge/library/command-line/shipped-options.ts";
import { shownOptions } from "../../../edge/library/command-line/shown-options.ts";

/** The groups of library API 5.5, in yt-dlp's order. */
const GROUPS = [
  ...["General Options", "Network Options", "Geo-restriction", "Video Selection", "Download Options"],
  ...["Filesystem Options", "Thumbnail Options", "Internet Shortcut Options", "Verbosity and Simulation Options"],
  ...["Workarounds", "Video Format Options", "Subtitle Options", "Authentication Options", "Post-Processing Options"],
  ...["SponsorBlock Options", "Extractor Options"],
];

describe("the shipped list of options", () => {
  it("is that of the version that the library API names", () => {
    expect(SHIPPED_VERSION).toBe("2026.10.26");
  });

  it("has each spelling once", () => {
    const flags = SHIPPED_OPTIONS.flatMap((option) => option.flags);
    expect(new Set(flags).size).toBe(flags.length);
  });

  it("knows every name that the rules speak of", () => {
    const names = new Set(SHIPPED_OPTIONS.map(nameOf));
    expect(NAMED_OPTIONS.filter((name) => !names.has(name))).toEqual([]);
  });

  it("no rule speaks of an option twice", () => {
    expect(NAMED_OPTIONS.filter((name, at) => NAMED_OPTIONS.indexOf(name) !== at)).toEqual([]);
  });

  it("hidden options are refused, but for the nine that are named", () => {
    const hidden = SHIPPED_OPTIONS.filter(({ group }) => group === undefined);
    const taken = hidden.filter((option) => !["refused", "ignored"].includes(classOf(option)));
    expect(taken.map(nameOf).sort()).toEqual([
      ...["--all-subs", "--geo-bypass", "--geo-bypass-country", "--match-title", "--playlist-end"],
      ...["--playlist-start", "--referer", "--reject-title", "--user-agent"],
    ]);
  });
});

describe("the options as they are shown", () => {
  it("stand in yt-dlp's groups and order", () => {
    expect([...new Set(shownOptions().map(({ group }) => group))]).toEqual(GROUPS);
    expect(shownOptions()[0]).toMatchObject({ flags: ["-h", "--help"], group: "General Options", ignored: true });
    expect(shownOptions().length).toBe(SHIPPED_OPTIONS.filter(({ group }) => group !== undefined).length);
  });

  it.each([
    ["--ignore-errors", false],
    ["--output", true],
    ["--exec", true],
    ["--downloader", true],
    ["--proxy", false],
    ["--compat-options", false],
    ["--download-archive", false],
  ])("%s is flagged ignored: %s", (name, ignored) => {
    expect(shownOptions().find(({ flags }) => flags.includes(name))?.ignored).toBe(ignored);
  });
});
