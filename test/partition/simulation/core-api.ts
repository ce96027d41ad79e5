/**
 * The core's functions as the simulation calls them. A mutation replaces one of them by a broken variant, so that the
 * test of the tests needs no switch in the product.
 */
import { partitionNotices } from "../../../edge/courier/partition-notices.ts";
import { drainToD1 } from "../../../edge/db/drain-to-d1.ts";
import { cancelBatch, startBatch } from "../../../edge/partition/batch-commands.ts";
import { createBatch } from "../../../edge/partition/batches.ts";
import { openCore } from "../../../edge/partition/birth.ts";
import { cancelJob } from "../../../edge/partition/cancel.ts";
import { createJobs } from "../../../edge/partition/create.ts";
import {
  advanceCursor,
  collectFlight,
  flightLanded,
  generationOf,
  nextEvents,
  readCursor,
  retire,
} from "../../../edge/partition/drain.ts";
import { becomeParent } from "../../../edge/partition/expand.ts";
import { commitFailed, committed, noteCommitted, pendingCommit } from "../../../edge/partition/finish.ts";
import { holdJob, startJob } from "../../../edge/partition/hold.ts";
import { beginIdempotent, finishIdempotent, freeKey, ownsKey } from "../../../edge/partition/idempotency.ts";
import { leaseJobs } from "../../../edge/partition/lease.ts";
import { takeStanding } from "../../../edge/partition/node-faults.ts";
import { setPaused } from "../../../edge/partition/pause.ts";
import { nextDue, runDue } from "../../../edge/partition/reap.ts";
import { claim, complete, confirm, endAsList, extracted, fail, setStep } from "../../../edge/partition/report.ts";
import { enterSession, heartbeat, releaseAttempt } from "../../../edge/partition/sessions.ts";
import {
  addUpload,
  doomedUploads,
  findUpload,
  forgetUpload,
  postponeAbort,
  uploadPlace,
} from "../../../edge/partition/uploads.ts";

export const CORE = {
  addUpload,
  advanceCursor,
  becomeParent,
  beginIdempotent,
  cancelBatch,
  cancelJob,
  claim,
  collectFlight,
  commitFailed,
  committed,
  complete,
  confirm,
  createBatch,
  createJobs,
  doomedUploads,
  drainToD1,
  endAsList,
  enterSession,
  extracted,
  fail,
  findUpload,
  finishIdempotent,
  flightLanded,
  forgetUpload,
  freeKey,
  generationOf,
  heartbeat,
  holdJob,
  leaseJobs,
  nextDue,
  nextEvents,
  noteCommitted,
  openCore,
  ownsKey,
  partitionNotices,
  pendingCommit,
  postponeAbort,
  readCursor,
  releaseAttempt,
  retire,
  runDue,
  setPaused,
  setStep,
  startBatch,
  startJob,
  takeStanding,
  uploadPlace,
};

export type CoreApi = typeof CORE;
