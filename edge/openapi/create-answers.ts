/** Answers that all creates share: idempotency, quota, admission (jobs API 1.2–1.4). */
import { QuotaBody } from "../../shared/contract/views/error.ts";
import { answer, refused } from "./describe.ts";

export const CREATE_ANSWERS = [
  refused(400, "The idempotency key is malformed.", {
    error: "x-idempotency-key must be 1 to 255 printable ASCII characters",
    field: "x-idempotency-key",
  }),
  answer(403, "The key has reached its storage limit.", QuotaBody),
  refused(
    409,
    "The first request of this idempotency key is still running.",
    "A request with this idempotency key is still in progress",
  ),
  refused(
    422,
    "The idempotency key belongs to another method, path or body.",
    "Idempotency key was used with a different request",
  ),
  refused(
    503,
    "The account has too many pending jobs, or the new ones could not be stored; nothing was created.",
    "Queue is full",
    "The job could not be stored yet, try again",
  ),
];
