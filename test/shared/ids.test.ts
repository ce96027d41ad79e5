import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUuid, nthUuidv7, uuidv7 } from "../../shared/ids.ts";

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const entropy = fc.uint8Array({ minLength: 10, maxLength: 32 });

describe("ids are UUID v7: lower case, 36 characters (jobs API 1.1)", () => {
  it("is the example of RFC 9562 appendix A.6 for its time and bits", () => {
    const bits = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
    expect(uuidv7(0x017f22e279b0, bits)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  });

  it("every one has version 7, the variant, its time, and the right form", () => {
    fc.assert(
      fc.property(time, entropy, (unixMs, bytes) => {
        const id = uuidv7(unixMs, bytes);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(isUuid(id)).toBe(true);
        expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(unixMs);
      }),
    );
  });

  it("a later one sorts after an earlier one, as text", () => {
    fc.assert(
      fc.property(time, time, entropy, entropy, (a, b, one, other) => {
        fc.pre(a < b);
        expect(uuidv7(a, one) < uuidv7(b, other)).toBe(true);
      }),
    );
  });

  it("those of a list sort as the list does, whatever their bits", () => {
    const place = fc.integer({ min: 0, max: 2 ** 18 - 1 });
    fc.assert(
      fc.property(time, place, place, entropy, entropy, (unixMs, a, b, one, other) => {
        fc.pre(a < b);
        const [first, second] = [nthUuidv7(unixMs, one, a), nthUuidv7(unixMs, other, b)];
        expect(first < second).toBe(true);
        expect([first, second].every(isUuid)).toBe(true);
        // What is left is the entropy's.
        expect(first.slice(-14)).toBe(uuidv7(unixMs, one).slice(-14));
      }),
    );
  });

  it("the same time and bits give the same id, other bits another, and the bits are not touched", () => {
    const bits = Uint8Array.from({ length: 10 }, (_, at) => at);
    expect(uuidv7(1, bits)).toBe(uuidv7(1, bits));
    expect(uuidv7(1, bits)).not.toBe(uuidv7(1, bits.toReversed()));
    expect([...bits]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it.each([
    ["upper case", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"],
    ["no dashes", "017f22e279b07cc398c4dc0c0c07398f"],
    ["too short", "017f22e2-79b0-7cc3-98c4-dc0c0c07398"],
    ["too long", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0"],
    ["another letter", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g"],
    ["a line break after it", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n"],
    ["nothing", ""],
    ["a path", "../../017f22e2-79b0-7cc3-98c4-dc0c0c"],
  ])("what cannot be an id is none: %s", (_, text) => {
    expect(isUuid(text)).toBe(false);
  });
});
