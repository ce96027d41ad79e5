/** Which names come after a taken one (jobs API 11.1). */
import { withSuffix } from "../../../shared/names.ts";
import { MAX_SUFFIX } from "./limits.ts";

/** The suffix goes before all of this: a job's side files keep the stem of its media file. */
const EXTENSION = /(?:\.[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*\.vtt|\.info\.json|\.[^.\s]{1,16})$/;
/** Three digits at most, so that a year in a title is no suffix. */
const SUFFIXED = /^(.+) \((\d{1,3})\)$/su;

/**
 * The name itself, then ` (2)`, ` (3)` …; a name that already has a suffix counts on from it, as it was most likely
 * reserved with one.
 */
export function* candidateNames(name: string): Generator<string> {
  yield name;
  const match = EXTENSION.exec(name);
  const extension = match && match.index > 0 ? match[0] : "";
  const stem = name.slice(0, name.length - extension.length);
  const suffixed = SUFFIXED.exec(stem);
  const base = suffixed?.[1] ?? stem;
  for (let suffix = Math.max(2, Number(suffixed?.[2] ?? 1) + 1); suffix <= MAX_SUFFIX; suffix++) {
    yield withSuffix(base, suffix) + extension;
  }
}
