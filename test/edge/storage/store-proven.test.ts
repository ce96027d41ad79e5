/** A part of R2 by its binding on its way through the Worker: held against the MD5 that its node told. */
import { describe, expect, it } from "vitest";
import { storeProven } from "../../../edge/storage/r2/store-proven.ts";
import { md5Base64 } from "../fleet-node.ts";

const MIB = 1_048_576;
/** Less than a piece, whole pieces, and some more. */
const SIZES = [0, 1, 300_000, MIB, MIB + 5];

type Body = ReadableStream<Uint8Array> | Uint8Array;

function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 255);
}

const part = (bytes: Uint8Array<ArrayBuffer>) => ({ body: new Response(bytes).body as Body, size: bytes.length });
/** A store that says what it got, as soon as it has got it whole. */
const keep = async (body: Body) => new Uint8Array(await new Response(body as BodyInit).arrayBuffer());

describe("a part of R2", () => {
  it.each(SIZES)("of %i bytes is stored as it was told", async (size) => {
    const bytes = bytesOf(size);
    const told = await md5Base64(bytes);
    expect(await md5Base64(await storeProven(part(bytes), told, keep))).toBe(told);
  });

  it.each(SIZES.filter((size) => size > 0).flatMap((size) => [[size, 0] as const, [size, size - 1] as const]))(
    "of %i bytes of which byte %i changed is refused, and its store never gets it whole",
    async (size, at) => {
      const told = await md5Base64(bytesOf(size));
      const bytes = bytesOf(size);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      let got = 0;
      const count = async (body: Body) => {
        for await (const piece of body as ReadableStream<Uint8Array>) got += piece.length;
        return "stored";
      };
      await expect(storeProven(part(bytes), told, count)).rejects.toMatchObject({
        code: "BadDigest",
        fault: "refused",
      });
      expect(got).toBeLessThan(size);
      // Nor if it were content with less.
      await expect(storeProven(part(bytes), told, async () => "stored")).rejects.toMatchObject({ code: "BadDigest" });
    },
  );

  it("that is empty and was told to be something is refused", async () => {
    const told = await md5Base64(bytesOf(1));
    await expect(storeProven(part(bytesOf(0)), told, keep)).rejects.toMatchObject({ code: "BadDigest" });
  });

  it("is refused in the store's own words when that does not want it", async () => {
    const bytes = bytesOf(3 * MIB);
    const refuse = () => Promise.reject(new Error("no such upload (10024)"));
    await expect(storeProven(part(bytes), await md5Base64(bytes), refuse)).rejects.toThrow("10024");
  });

  it("that breaks off fails, though what came of it is what was told", async () => {
    const bytes = bytesOf(2 * MIB);
    const short = { ...part(bytes), size: bytes.length + 1 };
    await expect(storeProven(short, await md5Base64(bytes), keep)).rejects.toThrow();
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    void writer.write(bytes.slice()).then(() => writer.abort(new Error("the node is gone")));
    const broken = { body: readable as Body, size: 3 * MIB };
    await expect(storeProven(broken, await md5Base64(bytes), keep)).rejects.toThrow();
  });
});
