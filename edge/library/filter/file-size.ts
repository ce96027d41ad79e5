/** File sizes as yt-dlp reads them: `kB` is 1024 there, `KB` and `kb` are 1000; the lower-case forms are wrong and taken. */

const SIZE = /^(?<number>[0-9]+(?:[.,][0-9]+)?)\s*(?<unit>[A-Za-z]+)$/;
const LETTERS = "KMGTPEZY";
const DECIMAL_WORDS = ["kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta"];
const BINARY_WORDS = ["kibi", "mebi", "gibi", "tebi", "pebi", "exbi", "zebi", "yobi"];
const UNITS = unitTable();

/** @example readFileSize("1,5MB") // 1500000 */
export function readFileSize(text: string): number | null {
  const { number = "", unit = "" } = SIZE.exec(text)?.groups ?? {};
  const factor = UNITS.get(unit);
  return factor === undefined ? null : roundHalfToEven(Number(number.replace(",", ".")) * factor);
}

function unitTable(): Map<string, number> {
  const units = new Map([
    ["B", 1],
    ["b", 1],
    ["bytes", 1],
  ]);
  for (const [index, letter] of Array.from(LETTERS).entries()) {
    const small = letter.toLowerCase();
    const [binary, decimal] = [1024 ** (index + 1), 1000 ** (index + 1)];
    for (const unit of [`${letter}iB`, `${small}B`, `${BINARY_WORDS[index]}bytes`]) units.set(unit, binary);
    for (const unit of [`${letter}B`, `${letter}b`, `${small}b`, `${DECIMAL_WORDS[index]}bytes`])
      units.set(unit, decimal);
  }
  return units;
}

/** Python's rounding: `0.5B` is nothing, `1.5B` are two. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
