/** The MD5s of parts run ahead of those who ask for them, and each is the right one. */
import { describe, expect, it } from "vitest";
import { partDigests } from "../../../worker-node/upload/digest/part-digests.ts";

/** A file of 10 bytes in parts of 3, whose digests are written out as what was asked for. */
function digestsOf(size = 10) {
  const asked: string[] = [];
  const md5 = async (start: number, end: number): Promise<Buffer> => {
    asked.push(`${start}-${end}`);
    return Buffer.from(`${start}-${end}`);
  };
  return { asked, of: partDigests({ md5 }, { size, partSize: 3, ahead: 2 }) };
}

describe("digests of parts", () => {
  it("are begun as many parts ahead as was said, each once", async () => {
    const { asked, of } = digestsOf();
    expect(asked).toEqual([]);
    expect(String(await of(1))).toBe("0-3");
    expect(asked).toEqual(["0-3", "3-6", "6-9"]);
    expect(String(await of(3))).toBe("6-9");
    expect(String(await of(2))).toBe("3-6");
    expect(String(await of(4))).toBe("9-10");
    expect(asked).toEqual(["0-3", "3-6", "6-9", "9-10"]);
  });

  it("are counted again for a part that is sent again", async () => {
    const { asked, of } = digestsOf(3);
    expect([String(await of(1)), String(await of(1))]).toEqual(["0-3", "0-3"]);
    expect(asked).toEqual(["0-3", "0-3"]);
  });

  it("of an empty file is that of its one empty part", async () => {
    expect(String(await digestsOf(0).of(1))).toBe("0-0");
  });

  it("tell a failure to whoever asks for that part, and to nobody else", async () => {
    const of = partDigests(
      { md5: async (start) => (start === 0 ? Buffer.from("first") : Promise.reject(new Error("unreadable"))) },
      { size: 10, partSize: 3, ahead: 2 },
    );
    expect(String(await of(1))).toBe("first");
    await expect(of(2)).rejects.toThrow("unreadable");
  });
});
