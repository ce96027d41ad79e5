/** What the operator sees of a job: no sealed secrets, no idempotency key, no credential that hides in a URL. */
import type { JobHistory } from "../../db/any-job.ts";
import type { LiveProgress } from "../../partition/admin-desk.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { AttemptRow } from "../../partition/events.ts";
import { apiStatus, apiStep } from "../../partition/states.ts";
import { redactText, redactUrl, withoutQuery } from "../../redact.ts";

export function jobHistoryView({ row, attempts, files }: JobHistory, live: LiveProgress | null) {
  return {
    id: row.id,
    account_id: row.account_id,
    key_id: row.key_id,
    surface: row.surface,
    role: row.role,
    url: redactUrl(row.url),
    status: apiStatus(row.state),
    step: apiStep(row.state, live?.step ?? row.step),
    state: row.state,
    progress: live?.progress ?? row.progress,
    title: row.title,
    folder: row.folder,
    filename: row.filename,
    priority: row.priority,
    tags: JSON.parse(row.tags) as string[],
    batch_id: row.batch_id,
    batch_index: row.batch_index,
    webhook_url: row.webhook_url === null ? null : withoutQuery(row.webhook_url),
    source_id: row.source_id,
    source_host: row.source_host,
    error: row.error === null ? null : redactText(row.error),
    error_type: row.error_type,
    error_class: row.error_class,
    tries: JSON.parse(row.tries) as Record<string, number>,
    created_at: row.created_at,
    queued_at: row.queued_at,
    not_before: row.not_before,
    started_at: row.started_at,
    finished_at: row.finished_at,
    /** The node's public name, as in the jobs API. */
    node_id: row.node_name,
    file_size: row.file_size,
    files: files.map(fileView),
    attempts: attempts.map(attemptView),
  };
}

function fileView(file: FileRow) {
  const { file_id, kind, path, size, content_type, sha256, created_at, deleted_at } = file;
  return { id: file_id, kind, key: path, size, content_type, sha256, created_at, deleted_at };
}

function attemptView({ attempt, epoch, node, began, ended, outcome, error }: AttemptRow) {
  return {
    token: `${epoch}.${attempt}`,
    node,
    began,
    ended,
    outcome,
    error: error === null ? null : redactText(error),
  };
}
