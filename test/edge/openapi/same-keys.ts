/** Whether an answer is built as an example is: the same keys in the same order, and of each value the same type. */

/** Ways to all that differs, such as `jobs[0].title: string, not number`. A null may stand for anything. */
export function differences(example: unknown, real: unknown, way = ""): string[] {
  if (example === null || real === null) return [];
  if (typeOf(example) !== typeOf(real)) return [`${way}: ${typeOf(real)}, not ${typeOf(example)}`];
  if (Array.isArray(example) && Array.isArray(real)) {
    // One item stands for all; without one there is nothing to compare.
    if (example.length === 0 || real.length === 0) return [];
    return real.flatMap((item, index) => differences(example[0], item, `${way}[${index}]`));
  }
  if (typeof example !== "object" || typeof real !== "object") return [];
  const [wanted, given] = [Object.keys(example), Object.keys(real)];
  if (wanted.join() !== given.join()) return [`${way}: ${given.join()}, not ${wanted.join()}`];
  return wanted.flatMap((key) => {
    const [one, other] = [example, real].map((each) => (each as Record<string, unknown>)[key]);
    return differences(one, other, way === "" ? key : `${way}.${key}`);
  });
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}
