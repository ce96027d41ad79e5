/**
 * The closed list of failure classes (jobs API 12). A node classifies each failure once; the partition decides by this
 * table and by nothing else.
 */

export const FAILURE_CLASSES = [
  "bot",
  "rate",
  "geo",
  "private",
  "removed",
  "unsupported",
  "list",
  "not_begun",
  "drm",
  "network",
  "storage",
  "lost",
  "disk",
  "timeout",
  "too_large",
  "quota",
  "media",
  "node_fault",
  "clip",
  "cancelled",
] as const;

export type FailureClass = (typeof FAILURE_CLASSES)[number];

export type OutcomeStatus = "Failed" | "Warning" | "Skipped";

/** Which node may try again: any, another than the failed ones if one is online, or only another. */
type NextNode = "any" | "other_preferred" | "other_from_third" | "other_only" | "other_country";

export interface FailureRule {
  status: OutcomeStatus;
  error_type: "error" | "warning";
  /** Tries of this class in all, the first included; 1 = never repeated. */
  tries: number;
  next: NextNode;
  /** What the client reads when the node sent no better text. */
  text: string;
}

export const FAILURE_RULES: Record<FailureClass, FailureRule> = {
  bot: {
    status: "Failed",
    error_type: "error",
    tries: 3,
    next: "other_only",
    text: "Bot detection: the site asked to sign in",
  },
  rate: {
    status: "Failed",
    error_type: "error",
    tries: 5,
    next: "other_preferred",
    text: "Rate limited by the source site",
  },
  geo: {
    status: "Warning",
    error_type: "warning",
    tries: 3,
    next: "other_country",
    text: "Video is not available in this region",
  },
  private: { status: "Warning", error_type: "warning", tries: 1, next: "any", text: "Video is private" },
  removed: { status: "Warning", error_type: "warning", tries: 1, next: "any", text: "Video has been removed" },
  unsupported: { status: "Warning", error_type: "warning", tries: 1, next: "any", text: "Unsupported URL" },
  list: {
    status: "Warning",
    error_type: "warning",
    tries: 1,
    next: "any",
    text: 'URL is a playlist; set playlist to "always" to download its items',
  },
  not_begun: { status: "Warning", error_type: "warning", tries: 1, next: "any", text: "The stream has not started" },
  drm: { status: "Skipped", error_type: "warning", tries: 1, next: "any", text: "Content is protected by DRM" },
  network: {
    status: "Failed",
    error_type: "error",
    tries: 5,
    next: "other_from_third",
    text: "Network error while downloading",
  },
  storage: { status: "Failed", error_type: "error", tries: 5, next: "any", text: "Upload failed" },
  lost: {
    status: "Failed",
    error_type: "error",
    tries: 3,
    next: "other_preferred",
    text: "Worker node was lost while processing the job",
  },
  disk: {
    status: "Failed",
    error_type: "error",
    tries: 3,
    next: "other_preferred",
    text: "Worker node ran out of disk space",
  },
  timeout: { status: "Failed", error_type: "error", tries: 2, next: "other_preferred", text: "Processing timed out" },
  too_large: { status: "Failed", error_type: "error", tries: 1, next: "any", text: "File exceeds the size limit" },
  quota: { status: "Failed", error_type: "error", tries: 1, next: "any", text: "Storage quota exceeded" },
  media: { status: "Failed", error_type: "error", tries: 2, next: "other_preferred", text: "Media processing failed" },
  // The node's own trouble, not the job's: ten, because a whole fleet may have lost the same tool.
  node_fault: {
    status: "Failed",
    error_type: "error",
    tries: 10,
    next: "other_preferred",
    text: "The worker node could not run the job",
  },
  clip: {
    status: "Failed",
    error_type: "error",
    tries: 1,
    next: "any",
    text: "clip_start is beyond the end of the media",
  },
  cancelled: { status: "Failed", error_type: "error", tries: 1, next: "any", text: "Job cancelled by user" },
};
