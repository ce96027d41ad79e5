/** TTML (also called DFXP): paragraphs with times, in XML. Words and times are kept; styles and places are left behind. */
import { Parser } from "htmlparser2";
import { type Cue, inOrder, plainPayload } from "./cues.ts";

type Attributes = Readonly<Record<string, string>>;

interface Clock {
  framesPerSecond: number;
  ticksPerSecond: number;
}

interface Element {
  /** Seconds on the document's clock; `end` is infinite where nothing says when it is over. */
  begin: number;
  end: number;
}

/** Documents have some ten levels; a million open elements would only be there to fill the memory. */
const MAX_DEPTH = 100;

/**
 * @param text of the file; whatever stands in it, nothing is fetched or expanded.
 * @throws Error for a document that is nested without end
 */
export function parseTtml(text: string): Cue[] {
  const cues: Cue[] = [];
  const open: Element[] = [];
  let clock: Clock = { framesPerSecond: 30, ticksPerSecond: 1 };
  /** Words of the paragraph that is being read. */
  let words: string | null = null;
  let paragraph: Element | null = null;
  /** Its parts that have times of their own. */
  let spanned: Element[] = [];
  const parser = new Parser(
    {
      onopentag(qualified, attributes) {
        const name = local(qualified);
        if (name === "tt") clock = clockOf(attributes);
        if (open.length >= MAX_DEPTH) throw new Error("the document is nested too deeply");
        const element = elementOf(attributes, open.at(-1), clock);
        open.push(element);
        if (name === "br" && words !== null) words += "\n";
        if (name === "p") [words, paragraph, spanned] = ["", element, []];
        if (name === "span" && paragraph !== null && Number.isFinite(element.end)) spanned.push(element);
      },
      ontext(part) {
        if (words !== null) words += part.replace(/\s+/g, " ");
      },
      onclosetag(qualified) {
        open.pop();
        if (local(qualified) !== "p" || words === null || paragraph === null) return;
        const lines = words.split("\n").map((line) => line.trim());
        const { begin: start, end } = lasting(paragraph, spanned);
        if (Number.isFinite(end)) cues.push({ start, end, text: plainPayload(lines.join("\n")), settings: "" });
        [words, paragraph] = [null, null];
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(text);
  return inOrder(cues);
}

/** Words that come one after the other: a paragraph without an end of its own lasts as long as they do. */
function lasting(paragraph: Element, spanned: readonly Element[]): Element {
  if (Number.isFinite(paragraph.end) || spanned.length === 0) return paragraph;
  return {
    begin: Math.min(...spanned.map((span) => span.begin)),
    end: Math.max(...spanned.map((span) => span.end)),
  };
}

function local(qualified: string): string {
  return qualified.slice(qualified.indexOf(":") + 1);
}

/** Times of a child count from its parent's begin; without any it has the parent's. */
function elementOf(attributes: Attributes, parent: Element | undefined, clock: Clock): Element {
  const base = parent?.begin ?? 0;
  const begin = time(attribute(attributes, "begin"), clock);
  const end = time(attribute(attributes, "end"), clock);
  const length = time(attribute(attributes, "dur"), clock);
  const from = base + (begin ?? 0);
  const until = end !== null ? base + end : length !== null ? from + length : Number.POSITIVE_INFINITY;
  return { begin: from, end: Math.min(until, parent?.end ?? Number.POSITIVE_INFINITY) };
}

function clockOf(attributes: Attributes): Clock {
  const rate = Number(attribute(attributes, "frameRate")) || 30;
  const [over = 1, under = 1] = (attribute(attributes, "frameRateMultiplier") ?? "1 1").split(/[\s:]+/).map(Number);
  const framesPerSecond = over > 0 && under > 0 ? (rate * over) / under : rate;
  const ticks = Number(attribute(attributes, "tickRate"));
  return { framesPerSecond, ticksPerSecond: ticks > 0 ? ticks : framesPerSecond };
}

/** Whatever its prefix: documents name the same namespace `ttp`, `ns2` or not at all. */
function attribute(attributes: Attributes, name: string): string | null {
  const key = Object.keys(attributes).find((one) => local(one) === name);
  return key === undefined ? null : (attributes[key] ?? "").trim();
}

/** `00:01:02.5`, `00:01:02:12` (frames), `62.5s`, `1500ms`, `300f`, `90000t`. */
function time(text: string | null, clock: Clock): number | null {
  const clockTime = /^(\d{2,}):(\d{2}):(\d{2})(\.\d+)?(?::(\d{2,})(?:\.\d+)?)?$/.exec(text ?? "");
  if (clockTime !== null) {
    const [, hours, minutes, seconds, fraction = "0", frames = "0"] = clockTime;
    const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return whole + Number(fraction) + Number(frames) / clock.framesPerSecond;
  }
  const offset = /^(\d+(?:\.\d+)?)(h|ms|m|s|f|t)$/.exec(text ?? "");
  if (offset === null) return null;
  const units = { h: 3600, m: 60, s: 1, ms: 0.001, f: 1 / clock.framesPerSecond, t: 1 / clock.ticksPerSecond };
  return Number(offset[1]) * units[offset[2] as keyof typeof units];
}
