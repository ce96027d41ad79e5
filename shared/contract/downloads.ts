/** The vocabulary of the downloads API: its qualities, statuses and the bodies of its two POST calls. */
import { z } from "zod";
import type { Resolution } from "./options.ts";

/** In the order in which error texts name them. */
export const QUALITIES = ["best", "2160p", "1440p", "1080p", "720p", "480p", "360p", "240p"] as const;
const DOWNLOAD_TYPES = ["video", "audio"] as const;
export const DOWNLOAD_STATUSES = ["pending", "downloading", "processing", "completed", "error", "cancelled"] as const;

export type Quality = (typeof QUALITIES)[number];
export type DownloadStatus = (typeof DOWNLOAD_STATUSES)[number];

export const DEFAULT_QUALITY: Quality = "720p";

/** `quality` is the jobs API's `max_resolution` in this surface's spelling. */
export function resolutionOf(quality: Quality): Resolution {
  return quality.replace(/p$/, "") as Resolution;
}

export function qualityOf(resolution: Resolution): Quality {
  return resolution === "best" ? "best" : `${resolution}p`;
}

/** Body of `POST /api/download`. */
export const CreateDownloadBody = z.object({
  // Its form is the URL guard's business.
  url: z.string(),
  quality: z.enum(QUALITIES).optional(),
  download_type: z.enum(DOWNLOAD_TYPES).optional(),
  is_playlist: z.boolean().optional(),
  playlist_items: z.string().optional(),
});
export type CreateDownloadBody = z.infer<typeof CreateDownloadBody>;

/**
 * The task object. Every key is always present; texts are empty and numbers 0 where something is unknown.
 */
export const DownloadTask = z.object({
  id: z.uuid(),
  url: z.string(),
  title: z.string(),
  thumbnail: z.string(),
  status: z.enum(DOWNLOAD_STATUSES),
  /** One decimal. */
  progress: z.number().min(0).max(100),
  /** `3.2 MB/s`, of 10^6 bytes. */
  speed: z.string(),
  /** `120s`. */
  eta: z.string(),
  filesize: z.int().nonnegative(),
  downloaded_bytes: z.int().nonnegative(),
  format_note: z.string(),
  is_playlist: z.boolean(),
  playlist_index: z.int().nonnegative(),
  playlist_total: z.int().nonnegative(),
  filename: z.string(),
  quality: z.enum(QUALITIES),
  download_type: z.enum(DOWNLOAD_TYPES),
  error_message: z.string(),
  created_at: z.iso.datetime({ precision: 3 }),
  completed_at: z.iso.datetime({ precision: 3 }).nullable(),
});
export type DownloadTask = z.infer<typeof DownloadTask>;
