/** The one error type of the edge. Codes are a closed list; each API surface maps them to its own body. */

const STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  gone: 410,
  body_too_large: 413,
  range_not_satisfiable: 416,
  unprocessable: 422,
  rate_limited: 429,
  internal: 500,
  /** What was asked for failed, and the documented body says why. */
  failed: 500,
  bad_gateway: 502,
  unavailable: 503,
  timed_out: 504,
} as const;

export type ErrorCode = keyof typeof STATUS;

export interface FieldError {
  field: string;
  message: string;
}

export interface AppErrorExtras {
  /** Path of the first bad field, as `jobs[3].url`. */
  field?: string;
  details?: FieldError[];
  headers?: Record<string, string>;
  /** More keys of the documented body. */
  body?: Record<string, unknown>;
  /** The fleet protocol's own code. */
  reason?: string;
}

export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly extras: AppErrorExtras;

  constructor(code: ErrorCode, text: string, extras: AppErrorExtras = {}) {
    super(text);
    this.code = code;
    this.extras = extras;
  }

  get status(): (typeof STATUS)[ErrorCode] {
    return STATUS[this.code];
  }
}

/** The partition or D1 did not answer; nothing was acknowledged, and a repeat is safe. */
export function unavailable(text: string, retryAfterSeconds: number): AppError {
  return new AppError("unavailable", text, { headers: { "Retry-After": String(retryAfterSeconds) } });
}

/** D1 did not answer somebody who asks how things are. */
export function noDatabase(): AppError {
  return unavailable("The database does not answer, try again", STARTING_RETRY_SECONDS);
}

/** Seconds until a repeat makes sense when an object is being opened. */
const STARTING_RETRY_SECONDS = 2;

/** An object of ours did not take the call: it is being opened, moved or reset. */
export function starting(): AppError {
  return unavailable("Service is starting, try again", STARTING_RETRY_SECONDS);
}
