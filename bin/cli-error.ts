export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

/** A failure whose one-line message already says what to do next. */
export class Failure extends Error {
  override readonly name = "Failure";
}
