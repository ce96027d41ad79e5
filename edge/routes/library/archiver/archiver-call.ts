/** What the three routes of archives share (library API, section 6): which archive is meant, and which ids. */
import { AppError } from "../../../app-error.ts";
import type { ArchiveScope } from "../../../db/archives.ts";
import { isArchiveId } from "../../../library/archive-ids.ts";
import { findPreset } from "../../../library/features/presets.ts";
import type { AppContext } from "../../http.ts";
import { depsOf } from "../features/feature-call.ts";
import { readLibraryObject } from "../library-body.ts";
import { archiveOf } from "../ytdlp/merged-command-line.ts";

/** The archive that a preset's command line names. */
export async function archiveOfPreset(context: AppContext, name: unknown): Promise<ArchiveScope> {
  if (typeof name !== "string" || name.trim() === "") throw new AppError("invalid", "preset is required.");
  const deps = depsOf(context);
  const preset = await findPreset(deps, name);
  const archive = preset === null ? null : archiveOf(preset.cli, context.env);
  if (archive === null) throw new AppError("invalid", `Preset '${name}' does not provide a download_archive.`);
  return { account: deps.account, name: archive };
}

export interface ArchiveChange {
  archive: ArchiveScope;
  /** Each once, in their order. */
  items: string[];
}

/** The body of POST and DELETE. */
export async function readChange(context: AppContext): Promise<ArchiveChange> {
  const { preset, items } = await readLibraryObject(context);
  const archive = await archiveOfPreset(context, preset);
  if (!Array.isArray(items) || items.length === 0) {
    throw new AppError("invalid", "items is required and must be a non-empty list.");
  }
  return { archive, items: checkIds(items) };
}

/** @throws AppError 400 with those that are none. */
export function checkIds(ids: readonly unknown[]): string[] {
  const bad = ids.filter((id) => typeof id !== "string" || !isArchiveId(id));
  if (bad.length > 0) throw new AppError("invalid", "invalid ids provided.", { body: { invalid_items: bad } });
  return [...new Set(ids.map((id) => String(id).trim()))];
}
