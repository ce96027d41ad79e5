import { expect, it } from "vitest";
import { giveBack } from "../../shared/give-back.ts";

it("takes the memory of a chunk that is a whole buffer", () => {
  const chunk = new Uint8Array(65_536);
  giveBack(chunk);
  expect([chunk.byteLength, chunk.buffer.byteLength]).toEqual([0, 0]);
});

it.each([
  ["the end", 4_096, undefined],
  ["the beginning", 0, 4_096],
])("leaves a chunk alone that is only %s of one: the rest may be somebody else's", (_, from, to) => {
  const whole = new Uint8Array(65_536).fill(7);
  giveBack(whole.subarray(from, to));
  expect([whole.byteLength, whole[0], whole[65_535]]).toEqual([65_536, 7, 7]);
});

it("bears a chunk that has nothing left to give", () => {
  const chunk = new Uint8Array(10);
  giveBack(chunk);
  giveBack(chunk);
  expect(chunk.byteLength).toBe(0);
});
