/** Whether an error is the operating system's, with this code. */
export function isErrno(error: unknown, code: string): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

/** The system did not let us; EPERM may also mean that the file system has no such thing. */
export function isForbidden(error: unknown): boolean {
  return ["EACCES", "EPERM", "EROFS"].some((code) => isErrno(error, code));
}

/** The operating system's code, or `internal`: what a caller may be told about a fault. */
export function errnoCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code.toLowerCase() : "internal";
}
