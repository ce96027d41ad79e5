import { classOf } from "./option-classes.ts";
import { findShort, nameOf } from "./option-names.ts";
import type { ShippedOption } from "./shipped-option.ts";
import { SHIPPED_OPTIONS } from "./shipped-options.ts";

/** An option as `GET /api/yt-dlp/options` lists it (library API 5.5). */
export interface ShownOption {
  flags: readonly string[];
  description: string;
  group: string;
  /** It may be given, and has no effect or is refused. */
  ignored: boolean;
}

/** The options that the shipped yt-dlp shows, in its order: what is answered while no node is online and none has been asked. */
export function shownOptions(): ShownOption[] {
  return SHIPPED_OPTIONS.flatMap((option) => {
    const { flags, description, group } = option;
    if (description === undefined || group === undefined) return [];
    return [{ flags, description, group, ignored: hasNoEffect(option) }];
  });
}

/** Whether an option that some yt-dlp shows may not be given, or does nothing. One that the shipped list lacks is refused. */
export function isIgnored(flags: readonly string[]): boolean {
  const option = flags.map(findShort).find((found) => found !== undefined);
  return option === undefined || hasNoEffect(option);
}

/** A downloader may only be the one that is there without it. */
function hasNoEffect(option: ShippedOption): boolean {
  return ["ignored", "refused"].includes(classOf(option)) || nameOf(option) === "--downloader";
}
