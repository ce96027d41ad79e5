/**
 * What `work` gives, or an error with `message` after `ms`. The work is not ended by it: nobody waits for it any more.
 * A timer left behind would be one of the 10,000 that an object may have, so it goes with the answer.
 */
export async function within<Result>(ms: number, work: Promise<Result>, message: string): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(message)), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
