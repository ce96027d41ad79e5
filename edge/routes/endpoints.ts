/** Every endpoint of the Worker. What is not here is 404. */

import { PROVIDERS } from "../../shared/contract/storage.ts";
import { getUsage } from "./account/get-usage.ts";
import { getWebhookSecret } from "./account/get-webhook-secret.ts";
import { removeSlack } from "./account/remove-slack.ts";
import { rotateWebhookSecret } from "./account/rotate-webhook-secret.ts";
import { setSlack } from "./account/set-slack.ts";
import { createAccount } from "./admin/create-account.ts";
import { createEnrolment } from "./admin/create-enrolment.ts";
import { createKey } from "./admin/create-key.ts";
import { deleteAccount } from "./admin/delete-account.ts";
import { drainNode } from "./admin/drain-node.ts";
import { getAccount } from "./admin/get-account.ts";
import { getJobHistory } from "./admin/get-job-history.ts";
import { getSettings } from "./admin/get-settings.ts";
import { getStats } from "./admin/get-stats.ts";
import { listAccounts } from "./admin/list-accounts.ts";
import { listKeys } from "./admin/list-keys.ts";
import { listNodes } from "./admin/list-nodes.ts";
import { patchAccount } from "./admin/patch-account.ts";
import { patchSettings } from "./admin/patch-settings.ts";
import { removeNode } from "./admin/remove-node.ts";
import { resumeNode } from "./admin/resume-node.ts";
import { revokeKey } from "./admin/revoke-key.ts";
import { cancelBatch } from "./batches/cancel-batch.ts";
import { getBatch } from "./batches/get-batch.ts";
import { listBatchJobs } from "./batches/list-batch-jobs.ts";
import { renameBatchJobs } from "./batches/rename-batch-jobs.ts";
import { startBatch } from "./batches/start-batch.ts";
import { streamBatchEvents } from "./batches/stream-batch-events.ts";
import { getMetadata } from "./calls/get-metadata.ts";
import { isShort } from "./calls/is-short.ts";
import { dashboardBatches } from "./dashboard/dashboard-batches.ts";
import { dashboardBilling } from "./dashboard/dashboard-billing.ts";
import { dashboardCluster } from "./dashboard/dashboard-cluster.ts";
import { dashboardDaily } from "./dashboard/dashboard-daily.ts";
import { dashboardJobs } from "./dashboard/dashboard-jobs.ts";
import { dashboardStats } from "./dashboard/dashboard-stats.ts";
import { getOpenapi } from "./docs/get-openapi.ts";
import { getSwagger } from "./docs/get-swagger.ts";
import { cancelDownload } from "./downloads/cancel-download.ts";
import { createDownload } from "./downloads/create-download.ts";
import { getDownload } from "./downloads/get-download.ts";
import { getDownloadFile } from "./downloads/get-download-file.ts";
import { getDownloadInfo } from "./downloads/get-download-info.ts";
import { getThumbnail } from "./downloads/get-thumbnail.ts";
import { listDownloads } from "./downloads/list-downloads.ts";
import { removeDownload } from "./downloads/remove-download.ts";
import { streamDownload } from "./downloads/stream-download.ts";
import type { Endpoint } from "./endpoint.ts";
import { eventsSocket } from "./events/events-socket.ts";
import { streamEvents } from "./events/stream-events.ts";
import { getFile } from "./files/get-file.ts";
import { answerCall } from "./fleet/answer-call.ts";
import { completeJob } from "./fleet/complete-job.ts";
import { confirmJob } from "./fleet/confirm-job.ts";
import { failJob } from "./fleet/fail-job.ts";
import { heartbeat } from "./fleet/heartbeat.ts";
import { leaseJobs } from "./fleet/lease-jobs.ts";
import { openSession } from "./fleet/open-session.ts";
import { openSocket } from "./fleet/open-socket.ts";
import { registerNode } from "./fleet/register-node.ts";
import { releaseJob } from "./fleet/release-job.ts";
import { reportExtracted } from "./fleet/report-extracted.ts";
import { reportStep } from "./fleet/report-step.ts";
import { requestTicket } from "./fleet/request-ticket.ts";
import { sessionChallenge } from "./fleet/session-challenge.ts";
import { getHealth } from "./health/get-health.ts";
import { getMetrics } from "./health/get-metrics.ts";
import { getReady } from "./health/get-ready.ts";
import { cancelJob } from "./jobs/cancel-job.ts";
import { createBulk } from "./jobs/create-bulk.ts";
import { createJob } from "./jobs/create-job.ts";
import { deleteJobFile } from "./jobs/delete-job-file.ts";
import { getJob } from "./jobs/get-job.ts";
import { listJobs } from "./jobs/list-jobs.ts";
import { retryJob } from "./jobs/retry-job.ts";
import { streamJobEvents } from "./jobs/stream-job-events.ts";
import { LIBRARY_ENDPOINTS } from "./library/endpoints.ts";
import { getStorage } from "./storage/get-storage.ts";
import { removeBucket } from "./storage/remove-bucket.ts";
import { removeStorage } from "./storage/remove-storage.ts";
import { setBucket } from "./storage/set-bucket.ts";
import { setStorage } from "./storage/set-storage.ts";
import { listWebhooks } from "./webhooks/list-webhooks.ts";
import { redeliverWebhook } from "./webhooks/redeliver-webhook.ts";

export const ENDPOINTS: readonly Endpoint[] = [
  createJob,
  listJobs,
  getJob,
  cancelJob,
  streamJobEvents,
  streamBatchEvents,
  streamEvents,
  eventsSocket,
  createBulk,
  retryJob,
  deleteJobFile,
  getMetadata,
  isShort,
  createDownload,
  listDownloads,
  getDownload,
  cancelDownload,
  removeDownload,
  getDownloadFile,
  getDownloadInfo,
  getThumbnail,
  streamDownload,
  getBatch,
  listBatchJobs,
  renameBatchJobs,
  startBatch,
  cancelBatch,
  getUsage,
  dashboardStats,
  dashboardJobs,
  dashboardBatches,
  dashboardDaily,
  dashboardCluster,
  dashboardBilling,
  answerCall,
  getFile,
  listWebhooks,
  redeliverWebhook,
  getWebhookSecret,
  rotateWebhookSecret,
  setSlack,
  removeSlack,
  ...LIBRARY_ENDPOINTS,
  ...PROVIDERS.flatMap((provider) => [setStorage(provider), removeStorage(provider), getStorage(provider)]),
  setBucket,
  removeBucket,
  registerNode,
  sessionChallenge,
  openSession,
  openSocket,
  heartbeat,
  leaseJobs,
  confirmJob,
  releaseJob,
  reportStep,
  reportExtracted,
  requestTicket,
  completeJob,
  failJob,
  createAccount,
  listAccounts,
  getAccount,
  patchAccount,
  deleteAccount,
  getSettings,
  patchSettings,
  createKey,
  listKeys,
  revokeKey,
  createEnrolment,
  listNodes,
  drainNode,
  resumeNode,
  removeNode,
  getStats,
  getJobHistory,
  getMetrics,
  getHealth,
  getReady,
  getOpenapi(() => ENDPOINTS),
  getSwagger(() => ENDPOINTS),
];
