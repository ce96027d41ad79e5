/**
 * The core's functions as the simulation calls them. A mutation replaces one of them by a broken variant, so that the
 * test of the tests needs no switch in the product.
 */
import { drainToD1 } from "../../../edge/db/drain-to-d1.ts";
import { openCore } from "../../../edge/partition/birth.ts";
import { cancelJob } from "../../../edge/partition/cancel.ts";
import { createJobs } from "../../../edge/partition/create.ts";
import { advanceCursor, collectFlight, nextEvents, readCursor, retire } from "../../../edge/partition/drain.ts";
import { commitFailed, committed, noteCommitted, pendingCommit } from "../../../edge/partition/finish.ts";
import { leaseJobs } from "../../../edge/partition/lease.ts";
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
  cancelJob,
  claim,
  collectFlight,
  commitFailed,
  committed,
  complete,
  confirm,
  createJobs,
  doomedUploads,
  drainToD1,
  endAsList,
  enterSession,
  extracted,
  fail,
  findUpload,
  forgetUpload,
  heartbeat,
  leaseJobs,
  nextDue,
  nextEvents,
  noteCommitted,
  openCore,
  pendingCommit,
  postponeAbort,
  readCursor,
  releaseAttempt,
  retire,
  runDue,
  setStep,
  uploadPlace,
};

export type CoreApi = typeof CORE;
