import fc from "fast-check";
import { expect, it } from "vitest";
import { checkCommandLine } from "../../../edge/library/command-line/check.ts";
import { classOf } from "../../../edge/library/command-line/option-classes.ts";
import { isPythonFloat, isPythonInteger } from "../../../edge/library/command-line/python-numbers.ts";
import { quoteShellWord, ShellWordsError, splitShellWords } from "../../../edge/library/command-line/shell-words.ts";
import { SHIPPED_OPTIONS, SHIPPED_VERSION } from "../../../edge/library/command-line/shipped-options.ts";
import { readYtDlpOptions } from "../../../scripts/ytdlp-options/read.ts";
import { realTools } from "../../worker-node/media/tools.ts";
import { askPython } from "./ask-python.ts";

/** The same cases in each run. */
const SEED = 134;
const policy = { allowPrivate: false, allowHosts: [] };

const SHLEX = `
import shlex

def answer(text):
    try:
        words = shlex.split(text)
    except ValueError as error:
        words = str(error)
    return [words, shlex.quote(text)]
`;

it("shell words are split and quoted as Python does", { timeout: 60_000 }, async () => {
  const unit = fc.constantFrom("a", "b", "'", '"', "\\", " ", "\n", "\t", "#", "é", "\u00a0", "$", "-", "😀");
  const texts = fc.sample(fc.string({ unit, maxLength: 14 }), { numRuns: 3000, seed: SEED });
  const ours = texts.map((text) => [split(text), quoteShellWord(text)]);
  expect(ours).toEqual(await askPython(SHLEX, texts));
  expect(ours.filter(([words]) => typeof words !== "string").length).toBeGreaterThan(500);
});

function split(text: string): string[] | string {
  try {
    return splitShellWords(text);
  } catch (error) {
    if (error instanceof ShellWordsError) return error.message;
    throw error;
  }
}

const NUMBERS = `
import optparse

def takes(read, text):
    try:
        read(text)
        return True
    except ValueError:
        return False

def answer(text):
    return [takes(optparse._parse_int, text), takes(float, text)]
`;

it("numbers are those that Python's option parser takes", { timeout: 60_000 }, async () => {
  const unit = fc.constantFrom(
    "0",
    "1",
    "7",
    "8",
    "x",
    "b",
    "o",
    "e",
    "f",
    "_",
    ".",
    "+",
    "-",
    " ",
    "inf",
    "nan",
    "inity",
  );
  const texts = fc.sample(fc.string({ unit, maxLength: 5 }), { numRuns: 5000, seed: SEED });
  expect(texts.map((text) => [isPythonInteger(text), isPythonFloat(text)])).toEqual(await askPython(NUMBERS, texts));
});

/** Each line twice: as it was typed, and as the edge hands it on. */
const YTDLP = `
import shlex
sys.argv = ["yt-dlp"]
from yt_dlp.options import parseOpts

def read(words):
    try:
        return sorted((key, repr(value)) for key, value in vars(parseOpts(words)[1]).items())
    except Exception as error:
        return str(error).strip()

def answer(question):
    typed = read(shlex.split(question["text"]))
    return [typed, None if question["words"] is None else read(question["words"])]
`;

type Read = [key: string, value: string][] | string;

const LINES = [
  ...["--nope", "--nope=1", "-Z", "-xZ", "--", "-", "a b", "--no", "--sub", "--write-s", "--e", "--embed", "--limit"],
  ...["--socket-timeout", "--socket-timeout x", "--socket-timeout 1e3", "--socket-timeout=", "--socket-timeout ''"],
  ...[
    "--max-downloads 0x1f",
    "--max-downloads 08",
    "--max-downloads -1",
    "--max-dow 1.5",
    "-N",
    "-N x",
    "-Nx",
    "-xN 4",
  ],
  ...["--fixup x", "--fixup warn", "--fixup=''", "--concat-playlist NEVER", "--replace-in-metadata a b"],
  ...["--extract-audio=1", "--no-playlist=", "-x=1", "-x1", "-f", "--format=best -x", "-fbest -k", "--nope -N x"],
  ...["--add-headers a", "--add-headers a:b", "--add-header a", "--extractor-args a", "--extractor-args 'youtube:x=y'"],
  ...[
    "--sponsorblock-mark x",
    "--sponsorblock-mark all,-intro",
    "--sponsorblock-mark default,X",
    "--sponsorblock-remove filler",
  ],
  ...[
    "--compat-options nope",
    "--compat-options 2021",
    "--compat-options=-all",
    "--compat-options ''",
    "--retry-sleep x:1",
  ],
  ...[
    "--sub-langs en --srt-langs de",
    "-S res --format-sort fps",
    "--match-filters a --match-f b",
    "-i --no-abort --abort",
  ],
  ...["--nope --socket-timeout x", "--nope=--socket-timeout x", "-Zx --fixup y", "--audio-format nope", "-- --nope"],
  ...["--parse-metadata a:b", "--replace-in-metadata a b c", "--sleep-interval 1_0", "--min-sleep 0x5", "--date ''"],
];

/** Lines of allowed options in any spelling, with values that fit and that do not. */
const line = fc
  .array(
    fc.tuple(
      fc.constantFrom(...SHIPPED_OPTIONS.filter((option) => !["ignored", "refused"].includes(classOf(option)))),
      fc.nat(),
      fc.constantFrom("5", "0.5", "x", "a:b", "all", "never", "-x", ""),
      fc.nat(20),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) =>
    parts
      .flatMap(([{ flags, values }, pick, value, cut]) => {
        const flag = flags[pick % flags.length] ?? "";
        const typed = flag.startsWith("--") && cut > 12 ? flag.slice(0, cut) : flag;
        return [typed, ...Array.from({ length: cut === 0 ? 0 : values }, () => value)].map(quoteShellWord);
      })
      .join(" "),
  );

it("lines are read, and complained about, as yt-dlp's own parser does", { timeout: 120_000 }, async () => {
  const random = fc.sample(line, { numRuns: 120, seed: SEED });
  const lines = [...LINES, ...random].flatMap((text) => {
    const checked = checkCommandLine(text, policy);
    // What is refused or dropped at the edge never comes to the parser.
    if (checked.ok ? checked.ignored.length > 0 : checked.reason === "refused") return [];
    return [
      { text, checked, words: checked.ok ? checked.options.flatMap(({ name, values }) => [name, ...values]) : null },
    ];
  });
  const answers = await askPython<[typed: Read, handedOn: Read | null]>(YTDLP, lines);
  const { ytdlp } = await realTools();
  for (const [at, { text, checked }] of lines.entries()) {
    const [typed, handedOn] = answers[at] ?? [];
    if (checked.ok) expect(handedOn, text).not.toBeTypeOf("string");
    // Another version has other names, and so other abbreviations; what the edge hands on it has to take all the same.
    if (ytdlp.version !== SHIPPED_VERSION) continue;
    expect({ text, said: checked.ok ? handedOn : checked.usage }).toEqual({ text, said: typed });
  }
  expect(lines.length).toBeGreaterThan(LINES.length);
  expect(lines.filter(({ checked }) => checked.ok).length).toBeGreaterThan(50);
});

it("the shipped list is what its script reads from a yt-dlp of that version", { timeout: 60_000 }, async () => {
  const { ytdlp } = await realTools();
  const { version, options } = await readYtDlpOptions(ytdlp);
  if (version === SHIPPED_VERSION) {
    expect(options).toEqual(SHIPPED_OPTIONS);
    return;
  }
  // Another yt-dlp: what it shares with the shipped one has to be read the same way, or abbreviations are the least trouble.
  const here = new Map(options.map((option) => [(option.flags as string[]).at(-1), option.values]));
  const changed = SHIPPED_OPTIONS.filter(({ flags, values }) => (here.get(flags.at(-1)) ?? values) !== values);
  expect(changed).toEqual([]);
});
