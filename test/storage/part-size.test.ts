import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxUploadBytes, partSize } from "../../edge/storage/part-size.ts";
import { MAX_PARTS, MIB } from "../../shared/limits.ts";

const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

describe("the part size", () => {
  it.each([
    [0, 8],
    [1, 8],
    [9_000 * 8 * MIB, 8],
    [9_000 * 8 * MIB + 1, 9],
    [5 * TIB, 583],
    [9_000 * 640 * MIB + 1, 640],
  ])("for %i bytes sent directly is %i MiB", (bytes, mib) => {
    expect(partSize(bytes, { proxied: false })).toBe(mib * MIB);
  });

  it("stays under the Worker's body limit when parts pass through it", () => {
    expect(partSize(900 * GIB, { proxied: true })).toBe(95 * MIB);
    expect(maxUploadBytes(95 * MIB, { proxied: true })).toBe(900 * GIB);
  });

  it("is 16 MiB while the length is unknown", () => {
    expect(partSize(null, { proxied: true })).toBe(16 * MIB);
    expect(maxUploadBytes(16 * MIB, { proxied: true })).toBe(160_000 * MIB);
  });

  it("lets every file up to the limit fit into the parts that a store allows", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 * TIB }), fc.boolean(), (bytes, proxied) => {
        const size = partSize(bytes, { proxied });
        const limit = maxUploadBytes(size, { proxied });
        if (bytes <= limit) expect(Math.ceil(bytes / size)).toBeLessThanOrEqual(MAX_PARTS);
        else expect(proxied && bytes > 900 * GIB).toBe(true);
      }),
    );
  });
});
