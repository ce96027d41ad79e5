/** An item as every answer shows it (library API 3.1): every key is always there, in this order. */
import type { ExtractedInfo, Telemetry } from "../../../shared/contract/media.ts";
import { sanitiseFolder } from "../../../shared/names.ts";
import { checkUrl, type UrlPolicy } from "../../../shared/url-guard.ts";
import type { JobRow } from "../../partition/job-row.ts";
import { DOWNLOAD_SHARE } from "../../partition/states.ts";
import { MANAGED_ROOT, MANAGED_TARGET } from "../../partition/targets.ts";
import { archiveIdOfSource } from "../archive-ids.ts";
import type { Sidecar } from "../tree/sidecars.ts";
import { DOWNLOADS, TEMP } from "../wire-names.ts";
import { rfc2822 } from "./dates.ts";
import type { ItemFacts, ItemSecrets } from "./facts.ts";
import { type ItemStatus, itemStatus } from "./status.ts";

const NANOSECONDS = 1_000_000;

export interface ItemSource {
  row: JobRow;
  facts: ItemFacts;
  secrets: ItemSecrets;
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
}

export type ItemView = ReturnType<typeof itemView>;

export function itemView(source: ItemSource, policy: UrlPolicy) {
  const { row, facts, secrets } = source;
  const status = itemStatus(row);
  const info = row.source === null ? null : (JSON.parse(row.source) as ExtractedInfo);
  const failed = status === "error" ? row.error : null;
  const place = placeOf(row);
  return {
    _id: row.id,
    error: failed,
    id: info?.source_id ?? "",
    title: row.title ?? row.url,
    description: row.description ?? "",
    url: row.url,
    preset: facts.preset,
    folder: place.folder,
    download_dir: status === "skip" ? null : place.dir,
    temp_dir: TEMP,
    status,
    cookies: secrets.cookies,
    template: facts.template,
    template_chapter: facts.template_chapter,
    timestamp: row.created_at * NANOSECONDS,
    is_live: info?.is_live ?? null,
    datetime: rfc2822(row.finished_at ?? row.created_at),
    live_in: row.starts_at === null ? null : rfc2822(row.starts_at),
    file_size: status === "finished" ? row.file_size : null,
    options: {},
    extras: extrasOf(row, facts, info, policy),
    cli: secrets.cli,
    auto_start: row.state !== "held",
    is_archivable: null,
    is_archived: null,
    archive_id: archiveIdOfSource(row.source_id),
    sidecar: {} as Sidecar,
    tmpfilename: null,
    filename: status === "finished" ? place.filename : null,
    ...progressOf(source, status, info),
  };
}

/** `download_dir` and `filename` spell the file's path. Other surfaces' jobs lie in a folder of their own. */
function placeOf(row: JobRow): { folder: string; dir: string; filename: string | null } {
  const asked = sanitiseFolder(row.folder ?? "");
  const path = row.media_key;
  const own = row.surface === "library";
  if (own && (path === null || asked === "" || path.startsWith(`${asked}/`))) {
    return {
      folder: asked,
      dir: below(asked),
      filename: path === null ? null : path.slice(asked === "" ? 0 : asked.length + 1),
    };
  }
  if (path === null) {
    const folder =
      row.target_id === MANAGED_TARGET ? [MANAGED_ROOT, asked].filter((part) => part !== "").join("/") : asked;
    return { folder, dir: below(folder), filename: null };
  }
  const slash = path.lastIndexOf("/");
  const folder = path.slice(0, Math.max(0, slash));
  return { folder, dir: below(folder), filename: path.slice(slash + 1) };
}

function below(folder: string): string {
  return folder === "" ? DOWNLOADS : `${DOWNLOADS}/${folder}`;
}

/** What the source says of itself; what the user sent survives. */
function extrasOf(row: JobRow, { extras }: ItemFacts, info: ExtractedInfo | null, policy: UrlPolicy) {
  const telemetry = row.telemetry === null ? null : (JSON.parse(row.telemetry) as Telemetry);
  const thumbnail = info?.thumbnail_url ?? null;
  return {
    ...(info === null
      ? {}
      : {
          duration: info.duration_seconds === null ? null : Math.round(info.duration_seconds),
          ...(thumbnail !== null && checkUrl(thumbnail, policy).ok ? { thumbnail } : {}),
          ...(info.uploader === null ? {} : { uploader: info.uploader, channel: info.uploader }),
          is_premiere: false,
        }),
    ...(telemetry === null
      ? {}
      : { is_video: telemetry.native_video_codec !== null, is_audio: telemetry.native_audio_codec !== null }),
    ...extras,
  };
}

function progressOf({ row, ...live }: ItemSource, status: ItemStatus, info: ExtractedInfo | null) {
  const estimate = info?.size_estimate ?? null;
  const total = status === "finished" ? row.file_size : null;
  const share = status === "downloading" && row.progress !== null ? Math.min(1, row.progress / DOWNLOAD_SHARE) : null;
  const downloaded = share === null || estimate === null ? null : Math.round(estimate * share);
  const failed = status === "error" || status === "skip" ? row.error : null;
  return {
    total_bytes: total,
    total_bytes_estimate: status === "finished" ? null : estimate,
    downloaded_bytes: total ?? downloaded,
    msg: failed,
    percent: status === "finished" || status === "postprocessing" ? 100 : share === null ? null : share * 100,
    speed: status === "downloading" ? live.speed_bytes_per_second : null,
    eta: status === "downloading" ? live.eta_seconds : null,
    postprocessor: status === "postprocessing" ? (row.step === "mux" ? "FFmpeg" : "MoveFiles") : null,
  };
}
