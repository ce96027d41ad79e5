/** Bodies of the admin API (operator's manual). */
import { z } from "zod";
import { RESOLUTIONS } from "./options.ts";

const positive = z.int().positive();

/** Limits of a key or an account; a key's count before its account's. */
export const Limits = z.object({
  max_concurrent: positive.optional(),
  max_queued: positive.optional(),
  rate_per_second: positive.optional(),
  max_resolution: z.enum(RESOLUTIONS).optional(),
  max_duration_seconds: positive.optional(),
  max_filesize_bytes: positive.optional(),
  storage_limit_bytes: positive.optional(),
  attempt_deadline_seconds: positive.optional(),
});
export type Limits = z.infer<typeof Limits>;

const name = z
  .string()
  .min(1, { error: "name must not be empty" })
  .max(100, { error: "name must be at most 100 characters" });

export const CreateAccountBody = z.object({
  name,
  limits: Limits.optional(),
  pool: z.enum(["own", "own_first", "shared"]).optional(),
});

export const CreateKeyBody = z.object({
  name: name.optional(),
  scopes: z
    .array(z.enum(["jobs:read", "jobs:write", "storage:write", "usage:read", "admin"]))
    .min(1)
    .optional(),
  expires_at: positive.optional(),
  limits: Limits.optional(),
  /** A key that the operator brings along (`TRAWL_API_KEY`); made by the server otherwise. */
  key: z
    .string()
    .regex(/^sk_[\x21-\x7e]{8,253}$/, { error: "key must start with sk_ and have 11 to 256 characters" })
    .optional(),
});

const TAG = /^[a-z0-9_.-]+=[a-z0-9_.-]+$/;

export const CreateEnrolmentBody = z.object({
  uses: z.int().min(1).max(10_000).optional(),
  /** Seconds. */
  expires_in: z.int().min(1).max(31_536_000).optional(),
  tags: z
    .array(z.string().max(64).regex(TAG, { error: "tags must be of the form key=value" }))
    .max(16)
    .optional(),
  account_id: z.uuid().optional(),
});
