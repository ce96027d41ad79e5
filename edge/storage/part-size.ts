/** How an upload is cut into parts (DESIGN section 6). Pure: the same numbers for every store and on both sides. */
import {
  MAX_PARTS,
  MIB,
  PART_MAX_MIB,
  PART_MIN_MIB,
  PART_PROXIED_MAX_MIB,
  PART_UNKNOWN_MIB,
  PLANNED_PARTS,
} from "../../shared/limits.ts";

const GIB = 1024 * MIB;
/** The largest object that S3 and its kin accept. */
const MAX_DIRECT_BYTES = 5 * 1024 * GIB;
/** 95 MiB × 10,000 parts is 927 GiB; the published limit is the round figure below it. */
const MAX_PROXIED_BYTES = 900 * GIB;

export interface PartRoute {
  /** Parts pass through the Worker, whose request bodies end at 100 MB. */
  proxied: boolean;
}

/**
 * Size of every part but the last, in bytes; `bytes` is null while the length is unknown.
 *
 * Nine thousand parts are planned of the ten thousand that stores allow, so an estimate may be 10 % short.
 *
 * @example partSize(1_000_000, { proxied: true }) // 8 MiB: one part
 */
export function partSize(bytes: number | null, route: PartRoute): number {
  if (bytes === null) return PART_UNKNOWN_MIB * MIB;
  const largest = route.proxied ? PART_PROXIED_MAX_MIB : PART_MAX_MIB;
  const wanted = Math.ceil(bytes / PLANNED_PARTS / MIB);
  return Math.min(Math.max(wanted, PART_MIN_MIB), largest) * MIB;
}

/** The largest file that can be uploaded in parts of this size; beyond it the job fails as *too large*. */
export function maxUploadBytes(size: number, route: PartRoute): number {
  return Math.min(size * MAX_PARTS, route.proxied ? MAX_PROXIED_BYTES : MAX_DIRECT_BYTES);
}
