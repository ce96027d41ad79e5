/** How many Unicode code points a text has: the length that every documented limit counts (jobs API 3.2). */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
