/** Bodies of the admin API (operator's manual). */
import { z } from "zod";
import { RESOLUTIONS } from "./options.ts";

/** What a key may do (operator's manual). A key made without scopes has all but the last. */
export const SCOPES = ["jobs:read", "jobs:write", "storage:write", "usage:read", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

const positive = z.int().min(1);

const LIMITS = z.object({
  max_concurrent: positive.optional(),
  max_queued: positive.optional(),
  /** 0: no bucket. */
  rate_per_second: z.int().min(0).optional(),
  max_resolution: z.enum(RESOLUTIONS).optional(),
  max_duration_seconds: positive.optional(),
  max_filesize_bytes: positive.optional(),
  storage_limit_bytes: positive.optional(),
  attempt_deadline_seconds: positive.optional(),
});
const LIMIT_NAMES = Object.keys(LIMITS.shape);

/** Limits of a key or an account; a key's count before its account's. A misspelt one must not pass as no limit. */
export const Limits = z
  .record(z.string(), z.unknown())
  .superRefine((limits, context) => {
    for (const given of Object.keys(limits)) {
      if (LIMIT_NAMES.includes(given)) continue;
      const message = `limits.${given} is not a limit; there are: ${LIMIT_NAMES.join(", ")}`;
      context.addIssue({ code: "custom", path: [given], message });
    }
  })
  .pipe(LIMITS);
export type Limits = z.infer<typeof Limits>;

const name = z
  .string()
  .min(1, { error: "name must not be empty" })
  .max(100, { error: "name must be at most 100 characters" });

const Pool = z.enum(["own", "own_first", "shared"]);

export const CreateAccountBody = z.object({
  name,
  limits: Limits.optional(),
  pool: Pool.optional(),
});

/** HTTP Basic splits at the first colon, so a user name has none. */
const username = z
  .string()
  .min(1, { error: "username must not be empty" })
  .max(100, { error: "username must be at most 100 characters" })
  .regex(/^(?!\s)[^:\p{Cc}]+(?<!\s)$/u, {
    error: "username must not have colons, control characters or spaces at its ends",
  });

const password = z
  .string()
  .min(1, { error: "password must not be empty" })
  .max(1_000, { error: "password must be at most 1000 characters" });

/** What is absent stays; `null` takes the user name or the password away. */
export const PatchAccountBody = z.object({
  name: name.optional(),
  limits: Limits.optional(),
  pool: Pool.optional(),
  username: username.nullable().optional(),
  password: password.nullable().optional(),
  console: z.boolean().optional(),
});

export const CreateKeyBody = z.object({
  name: name.optional(),
  scopes: z.array(z.enum(SCOPES)).min(1, { error: "scopes must not be empty" }).optional(),
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
