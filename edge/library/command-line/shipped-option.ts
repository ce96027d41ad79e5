/** One option of the yt-dlp whose list is shipped, as its own parser knows it. */
export interface ShippedOption {
  /** Every spelling: short ones first, the first long one is its name. */
  flags: readonly string[];
  /** How many values it takes. */
  values: number;
  type?: "int" | "float";
  choices?: readonly string[];
  /** What a comma list may name, and short names for several of them. */
  members?: readonly string[];
  aliases?: Readonly<Record<string, readonly string[]>>;
  /** What stands before the first colon of its value, as a regular expression. */
  keys?: string;
  metavar?: string;
  /** Group and description of what `--help` shows; hidden ones have neither. */
  group?: string;
  description?: string;
}
