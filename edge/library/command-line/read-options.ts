/** Reads words as `optparse` does, and goes on after a complaint: a refused name that comes later must be found too. */
import { type FoundOption, findLong, findShort } from "./option-names.ts";
import type { ShippedOption } from "./shipped-option.ts";

export interface ReadOption {
  option: ShippedOption;
  /** As messages name it: the short spelling that was typed, or the whole long one. */
  flag: string;
  /** Fewer than the option takes at the end of a line that a complaint is about. */
  values: readonly string[];
}

/** What the parser has against the words; of names that it does not know it tells last. */
export interface Complaint {
  text: string;
  unknown: boolean;
  /** What the name that it is about may have meant. */
  possible: readonly ShippedOption[];
}

/**
 * The options and complaints of a line, in its order.
 *
 * @example readOptions(["-xf", "best"]) // `-x` without values, `-f` with one
 */
export function readOptions(words: readonly string[]): (ReadOption | Complaint)[] {
  const reader = new WordReader(words);
  reader.readAll();
  return reader.found;
}

class WordReader {
  readonly found: (ReadOption | Complaint)[] = [];
  /** What is still to be read, the next word last. */
  readonly #words: string[];

  constructor(words: readonly string[]) {
    this.#words = words.toReversed();
  }

  readAll(): void {
    for (let word = this.#words.pop(); word !== undefined && word !== "--"; word = this.#words.pop()) {
      if (word.startsWith("--")) this.#readLong(word);
      else if (word.startsWith("-") && word !== "-") this.#readShorts(word);
      // Anything else would be a URL; a `cli` has none, and those in it go nowhere.
    }
  }

  #readLong(word: string): void {
    const equals = word.indexOf("=");
    const hasValue = equals !== -1;
    // Of a name that is not known the value is the next word, as it is to the parser.
    if (hasValue) this.#words.push(word.slice(equals + 1));
    const typed = hasValue ? word.slice(0, equals) : word;
    const found = findLong(typed);
    const [only] = found;
    if (only === undefined || found.length > 1) {
      this.#complainOfName(typed, found);
      return;
    }
    this.#take(only.option, only.flag);
    if (!hasValue || only.option.values > 0) return;
    this.#words.pop();
    this.#complain(`${only.flag} option does not take a value`);
  }

  /** `-xf best`, `-xfbest`: letters until one takes a value, which is the rest of the word if there is any. */
  #readShorts(word: string): void {
    const letters = Array.from(word.slice(1));
    for (const [index, letter] of letters.entries()) {
      const flag = `-${letter}`;
      const option = findShort(flag);
      if (option === undefined) {
        this.#complainOfName(flag, []);
        return;
      }
      if (option.values === 0) {
        this.#take(option, flag);
        continue;
      }
      const rest = letters.slice(index + 1).join("");
      if (rest !== "") this.#words.push(rest);
      this.#take(option, flag);
      return;
    }
  }

  #take(option: ShippedOption, flag: string): void {
    const values: string[] = [];
    while (values.length < option.values) {
      const value = this.#words.pop();
      if (value === undefined) break;
      values.push(value);
    }
    this.found.push({ option, flag, values });
    if (values.length === option.values) return;
    this.#complain(`${flag} option requires ${option.values} argument${option.values === 1 ? "" : "s"}`);
  }

  #complain(text: string): void {
    this.found.push({ text, unknown: false, possible: [] });
  }

  #complainOfName(typed: string, possible: readonly FoundOption[]): void {
    const flags = possible.map(({ flag }) => flag).join(", ");
    const text = possible.length === 0 ? `no such option: ${typed}` : `ambiguous option: ${typed} (${flags}?)`;
    this.found.push({ text, unknown: true, possible: possible.map(({ option }) => option) });
  }
}
