import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkCommandLine } from "../../../edge/library/command-line/check.ts";
import { findLong } from "../../../edge/library/command-line/option-names.ts";
import { SHIPPED_OPTIONS } from "../../../edge/library/command-line/shipped-options.ts";
import type { UrlPolicy } from "../../../shared/url-guard.ts";

const policy: UrlPolicy = { allowPrivate: false, allowHosts: [] };
const check = (text: string) => checkCommandLine(text, policy);

/** `--name value` of each option that remains, or the text of the error. */
function outcome(text: string): string[] | string {
  const line = check(text);
  return line.ok ? line.options.map(({ name, values }) => [name, ...values].join(" ")) : line.message;
}

describe("how a line is read", () => {
  it.each<[what: string, text: string, options: string[]]>([
    ["short options in one word", "-xk", ["--extract-audio", "--keep-video"]],
    ["with the value of the last", "-xf best", ["--extract-audio", "--format best"]],
    ["or in the word itself", "-fbest", ["--format best"]],
    ["a value after =", "--format=a=b", ["--format a=b"]],
    ["an empty value", "--format= -x", ["--format ", "--extract-audio"]],
    ["an abbreviation", "--extract-au --audio-f mp3", ["--extract-audio", "--audio-format mp3"]],
    ["another spelling", "--srt-langs en --no-config", ["--sub-langs en", "--ignore-config"]],
    ["a beginning that only spellings of one option share", "--no-config-l", ["--no-config-locations"]],
    ["a value that looks like an option", "--format --exec", ["--format --exec"]],
    ["several values", "--replace-in-metadata title a b", ["--replace-in-metadata title a b"]],
    ["words that are no options go nowhere", "https://example.com/ -x - b", ["--extract-audio"]],
    ["after -- nothing is an option", "-x -- --exec rm", ["--extract-audio"]],
    ["comment lines are left out", "# --exec rm\n-x\n  # -k", ["--extract-audio"]],
    ["but # later in a line is a word", "-f #1", ["--format #1"]],
    [
      "names of places are put in",
      "--download-archive %(archive_file)s --add-headers A:%(os_sep)s%(temp_path)s%(config_path)s%(download_path)s%(title)s",
      ["--download-archive /config/archive.log", "--add-headers A://tmp/config/downloads%(title)s"],
    ],
    ["hidden options that people use", "--user-agent x --playlist-start 2", ["--user-agent x", "--playlist-start 2"]],
    ["nothing", "", []],
  ])("%s: %s", (_, text, options) => {
    expect(outcome(text)).toEqual(options);
  });

  it("ignored options are dropped with their values and named once each, in order", () => {
    expect(check("-f best -o X -x -P home:/x --output Y --progress-delta nonsense")).toEqual({
      ok: true,
      options: [
        { name: "--format", values: ["best"], class: "allowed" },
        { name: "--extract-audio", values: [], class: "allowed" },
      ],
      ignored: [
        { name: "--output", values: ["X"], class: "ignored" },
        { name: "--paths", values: ["home:/x"], class: "ignored" },
        { name: "--output", values: ["Y"], class: "ignored" },
        { name: "--progress-delta", values: ["nonsense"], class: "ignored" },
      ],
      removedOptions: ["--output", "--paths", "--progress-delta"],
    });
  });

  it("what the edge does itself, and what the guard has looked at, is told apart", () => {
    const line = check(
      "--download-archive a --max-downloads 3 --match-filters b --proxy socks5://proxy.example.com:1080 -x",
    );
    expect(line.ok && line.options.map((option) => option.class)).toEqual([
      "ours",
      "ours",
      "ours",
      "guarded",
      "allowed",
    ]);
  });
});

describe("what is refused", () => {
  it.each([
    "--exec rm",
    "--exec=rm",
    "--exe rm",
    "--exec",
    "-x --exec-b rm",
    "--use-postprocessor x",
    "--ppa a:b",
    "-t mp3",
    "-xt mp3",
    "-xtmp3",
    "-U",
    "-a list",
    "-n",
    "--external-downloader aria2c",
    "--downloader m3u8:ffmpeg",
    "--downloader native,x",
    "--cookies c",
    "--xattr",
    "--print-to-file a b",
    "--no-check-certificate",
    "--test",
    "--playlist-reverse",
    "-C",
    "-g",
    "--parse-metadata title:filepath",
    "--parse-metadata title:%(filepath)s",
    "--parse-metadata 'before_dl:%(title,_filename&x|)s:%(artist)s'",
    "--parse-metadata 'title:(?P<_path>.+)'",
    "--replace-in-metadata title,filepath a b",
    "--replace-in-metadata 'video: _type' a b",
  ])("%s", (text) => {
    const line = check(text);
    expect(line).toMatchObject({
      ok: false,
      reason: "refused",
      message: expect.stringMatching(/^Option '--?[\w-]+' is not allowed\.$/),
    });
  });

  it.each([
    ["--exe rm", "Option '--exec' is not allowed."],
    ["-xtmp3", "Option '--preset-alias' is not allowed."],
    ["--ppa a:b", "Option '--postprocessor-args' is not allowed."],
    ["--external-downloader=aria2c", "Option '--downloader' is not allowed."],
    ["--compat-options filename,allow-unsafe-ext", "Option '--compat-options allow-unsafe-ext' is not allowed."],
    ["--compat-options ' ALL'", "Option '--compat-options all' is not allowed."],
    ["--proxy http://127.0.0.1:3128", "Option '--proxy' must not point to a private address."],
    ["-C", "Option '-C' is not allowed."],
  ])("%s is told as %s", (text, message) => {
    expect(outcome(text)).toBe(message);
  });

  it.each([
    "--nope --exec rm",
    "--socket-timeout x --exec rm",
    "--quiet=1 --exec rm",
    "--fix-up --no --exec rm",
    "--nope=--exec",
    "--exec rm --socket-timeout",
  ])("%s: a refused name comes before any complaint", (text) => {
    expect(outcome(text)).toBe("Option '--exec' is not allowed.");
  });

  it.each([
    "--downloader native",
    "--downloader dash,m3u8:native",
    "--compat-options youtube-dl",
    "--compat-options=-all",
    "--parse-metadata title:%(artist)s",
    "--parse-metadata 'description:(?P<comment>.+_x)'",
    "--replace-in-metadata title,uploader _ filepath",
    "--no-exec",
    "--no-cookies",
  ])("%s is not", (text) => {
    expect(check(text).ok).toBe(true);
  });
});

describe("the address guard", () => {
  const PRIVATE = [
    ...["http://10.0.0.1", "10.0.0.1:3128", "localhost:3128", "socks5://0x7f.1:1080", "socks4://user:pw@[::1]:1080"],
    ...["https://proxy.internal", "http://169.254.169.254", "http:\\\\127.0.0.1", "http://a.example.com\\@127.0.0.1/"],
    ...["http:///127.0.0.1", "socks5h://proxy.example.com", "ftp://proxy.example.com", "http://", "nonsense"],
    "http://a.example.com @127.0.0.1",
  ];

  it.each(PRIVATE)("--proxy %s is refused", (url) => {
    expect(outcome(`--proxy '${url}'`)).toBe("Option '--proxy' must not point to a private address.");
    expect(outcome(`--geo-verification-proxy '${url}'`)).toBe(
      "Option '--geo-verification-proxy' must not point to a private address.",
    );
  });

  it.each([
    "http://proxy.example.com:8080",
    "https://u:p@proxy.example.com",
    "socks4://proxy.example.com",
    "SOCKS5://8.8.8.8:1080/",
    "proxy.example.com:3128",
    "",
  ])("--proxy '%s' is not", (url) => {
    expect(outcome(`--proxy '${url}'`)).toEqual([`--proxy ${url}`]);
  });

  it("an address in the user's own network passes where the operator allows it", () => {
    const own = { allowPrivate: true, allowHosts: [] };
    expect(checkCommandLine("--proxy socks5://10.0.0.1:1080", own).ok).toBe(true);
    expect(checkCommandLine("--proxy http://169.254.169.254", own).ok).toBe(false);
  });

  it.each(["http://127.0.0.1", "127.0.0.1/api", "https://sponsor.local"])("--sponsorblock-api %s is refused", (url) => {
    expect(outcome(`--sponsorblock-api ${url}`)).toBe(
      "Option '--sponsorblock-api' must not point to a private address.",
    );
  });

  it("a public one passes, with or without a scheme", () => {
    expect(check("--sponsorblock-api https://sponsor.ajay.app --sponsorblock-api sponsor.ajay.app").ok).toBe(true);
  });
});

describe("lines of any shape", () => {
  it("are answered, never thrown at", () => {
    const piece = fc.constantFrom(
      "-",
      "--",
      "=",
      " ",
      "'",
      '"',
      "\\",
      "x",
      "exec",
      "format",
      "no-",
      "proxy",
      "http://",
      "%(",
      "\n",
      "#",
      "é",
      "1",
    );
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 40 }), (text) => {
        const line = check(text);
        if (line.ok) expect(new Set(line.ignored.map(({ name }) => name))).toEqual(new Set(line.removedOptions));
        else expect(line.message).not.toBe("");
      }),
      { numRuns: 1000 },
    );
  });

  it("an abbreviation is read as its option, or is ambiguous", () => {
    const flags = SHIPPED_OPTIONS.flatMap((option) => option.flags.map((flag) => ({ flag, option })));
    const typed = flags.flatMap(({ flag, option }) =>
      flag.startsWith("--")
        ? Array.from({ length: flag.length - 2 }, (_, cut) => ({ text: flag.slice(0, cut + 3), flag, option }))
        : [],
    );
    const wrong = typed.filter(({ text, option }) => {
      const wanted = flags.find((each) => each.flag === text)?.option ?? option;
      return !findLong(text).some((found) => found.option === wanted && found.flag.startsWith(text));
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    ["letters", `-${"i".repeat(100_000)}`],
    ["abbreviations", "--a ".repeat(25_000)],
    ["digits", `--socket-timeout ${"1".repeat(100_000)}x`],
    ["quotes", "'' ".repeat(50_000)],
    ["spaces", `${" ".repeat(100_000)}-x`],
    ["templates", `--parse-metadata '${"%(".repeat(50_000)}'`],
    ["a proxy", `--proxy http://${"a@".repeat(50_000)}`],
  ])("a hundred kilobytes of %s is read to its end", (_, text) => {
    expect(typeof check(text).ok).toBe("boolean");
  });
});

describe("what cannot be read", () => {
  it("is told in the parser's last line, and whole", () => {
    expect(check("--nope")).toEqual({
      ok: false,
      reason: "unreadable",
      message: "No such option: --nope",
      usage: "Usage: yt-dlp [OPTIONS] URL [URL...]\n\nyt-dlp: error: no such option: --nope",
    });
  });

  it("an open quote is told as the splitter tells it", () => {
    expect(check("-f 'best")).toEqual({
      ok: false,
      reason: "unreadable",
      message: "No closing quotation",
      usage: "No closing quotation",
    });
  });
});
