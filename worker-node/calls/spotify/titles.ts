/** Titles as keys: the same episode is written a little differently in two places. */

/** Shorter, what is left of a title says nothing (`Episode 12` without its number). */
const MIN_LOOSE_LENGTH = 4;
/** `#12`, `Ep. 12`, `S2 E5`, `S02E05`, `Folge 12`, in normalised form. */
const NUMBERING = /^(?:s(?:eason )?\d{1,3} ?)?(?:(?:episode|episodio|folge|epi?|e|part|nr|no) ?)?(\d{1,5}) (?=\S)/;

/**
 * Case, accents, punctuation and spaces do not count. Marks of other scripts than Latin do: they are letters there.
 *
 * @example normaliseTitle("#12 – Café & Co.!") // "12 cafe and co"
 */
export function normaliseTitle(text: string): string {
  const words = text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFKC")
    .toLowerCase()
    .replace(/&/g, " and ")
    .replace(/['’]/g, "")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();
  // A title of signs only is itself.
  return words === "" ? text.trim() : words;
}

/**
 * The normalised title without the numbering before it and the show's name around it.
 *
 * @example looseTitle("Ep. 12: Pilot | My Show", "My Show") // { text: "pilot", number: 12 }
 */
export function looseTitle(title: string, show: string): { text: string; number: number | null } {
  let text = normaliseTitle(title);
  const name = normaliseTitle(show);
  for (const shorter of [without(text, `${name} `, "start"), without(text, ` ${name}`, "end")]) {
    if (shorter.length >= MIN_LOOSE_LENGTH && shorter.length < text.length) text = shorter;
  }
  const numbering = NUMBERING.exec(text);
  const rest = numbering === null ? text : text.slice(numbering[0].length);
  if (numbering === null || rest.length < MIN_LOOSE_LENGTH) return { text, number: null };
  return { text: rest, number: Number(numbering[1]) };
}

function without(text: string, part: string, where: "start" | "end"): string {
  if (where === "start") return text.startsWith(part) ? text.slice(part.length) : text;
  return text.endsWith(part) ? text.slice(0, -part.length) : text;
}

/** True when the shorter title stands at the beginning of the longer one, at a word's end. */
export function beginsAlike(left: string, right: string): boolean {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  return short.length >= MIN_LOOSE_LENGTH && long.startsWith(`${short} `);
}

/** Share of the shorter title's words that the other one has, too: 0…1. */
export function commonWords(left: string, right: string): number {
  const words = (text: string) => new Set(normaliseTitle(text).split(" "));
  const [one, other] = [words(left), words(right)];
  const common = [...one].filter((word) => other.has(word)).length;
  return common / Math.min(one.size, other.size);
}
