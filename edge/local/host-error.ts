/** Why the embedded host could not start or go on. */
export type HostErrorCode =
  | "data_in_use"
  | "port_in_use"
  | "bundle_missing"
  | "bad_option"
  | "runtime_failed"
  | "migration_failed"
  | "admin_failed";

/** An error whose message already says what to do next; it is printed as it is. */
export class HostError extends Error {
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HostError";
    this.code = code;
  }
}
