import { expect, test } from "vitest";
import { SecretBox, SecretBoxError, secretBoxOf } from "../../../edge/auth/secret-box.ts";

/** 32 equal bytes in base64. */
function kekBytes(byte: number): string {
  return btoa(String.fromCharCode(byte).repeat(32));
}

const KEK_1 = `k1:${kekBytes(1)}`;
const KEK_2 = `k2:${kekBytes(2)}`;
const CONTEXT = { account: "a1", purpose: "webhook-secret" };

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SecretBoxError);
  return (error as SecretBoxError).reason;
}

test("a text comes back for the same account and purpose", async () => {
  const box = new SecretBox(KEK_1);
  for (const text of ["", "whsec_1", "Ünïcode 🎬", "x".repeat(200_000)]) {
    expect(await box.open(await box.seal(text, CONTEXT), CONTEXT)).toBe(text);
  }
});

test("the text form names its version and KEK, holds nothing in clear and never repeats", async () => {
  const box = new SecretBox(KEK_1);
  const sealed = await box.seal("whsec_secret", CONTEXT);
  expect(sealed).toMatch(/^v1\.k1\.[\w-]{80}\.[\w-]{16}\.[\w-]+$/);
  expect(sealed).not.toContain("whsec");
  expect(await box.seal("whsec_secret", CONTEXT)).not.toBe(sealed);
});

test("the first KEK seals, all of them open", async () => {
  const old = await new SecretBox(KEK_1).seal("text", CONTEXT);
  const rotated = new SecretBox(`${KEK_2},${KEK_1}`);
  expect(await rotated.open(old, CONTEXT)).toBe("text");
  expect(await rotated.seal("text", CONTEXT)).toMatch(/^v1\.k2\./);
});

test("a KEK that is configured no longer is named in the error", async () => {
  const sealed = await new SecretBox(KEK_1).seal("text", CONTEXT);
  const opening = new SecretBox(KEK_2).open(sealed, CONTEXT);
  await expect(opening).rejects.toThrow("TRAWL_KEK has no key 'k1'");
  expect(await reasonOf(new SecretBox(KEK_2).open(sealed, CONTEXT))).toBe("unknown_kek");
});

test("a KEK with a known id and other bytes opens nothing", async () => {
  const sealed = await new SecretBox(KEK_1).seal("text", CONTEXT);
  const other = new SecretBox(`k1:${kekBytes(9)}`);
  expect(await reasonOf(other.open(sealed, CONTEXT))).toBe("not_authentic");
});

test.each([
  ["another account", { account: "a2", purpose: "webhook-secret" }],
  ["another purpose", { account: "a1", purpose: "delivery-url" }],
  ["the same letters, divided otherwise", { account: 'a1","webhook', purpose: "secret" }],
])("a record does not open for %s", async (_, context) => {
  const box = new SecretBox(KEK_1);
  expect(await reasonOf(box.open(await box.seal("text", CONTEXT), context))).toBe("not_authentic");
});

test("a changed character anywhere is noticed", async () => {
  const box = new SecretBox(KEK_1);
  const sealed = await box.seal("text", CONTEXT);
  const start = sealed.indexOf(".", 3) + 1;
  for (let at = start; at < sealed.length; at++) {
    if (sealed[at] === ".") continue;
    const changed = `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
    // The last character of a base64url part may hold bits that count for nothing.
    const isLast = at + 1 === sealed.length || sealed[at + 1] === ".";
    if (!isLast) expect(await reasonOf(box.open(changed, CONTEXT)), `at ${at}`).toBe("not_authentic");
  }
});

test.each(["", "v1", "v1.k1.a.b", "v2.k1.AAAA.AAAAAAAAAAAAAAAA.AAAA", "v1.k1.AAAA.AAAA.AAAA", "v1.k1.*.*.*"])(
  "%j is no sealed record",
  async (text) => {
    expect(await reasonOf(new SecretBox(KEK_1).open(text, CONTEXT))).toBe("malformed");
  },
);

test.each([
  ["", "TRAWL_KEK is not set"],
  ["k1", "TRAWL_KEK must be id:base64[,id:base64]"],
  ["a b:AAAA", "TRAWL_KEK must be id:base64[,id:base64]"],
  ["k1:AAAA", "key 'k1' of TRAWL_KEK must be 32 bytes in base64"],
  ["k1:***", "key 'k1' of TRAWL_KEK must be 32 bytes in base64"],
  [`${KEK_1},${KEK_1}`, "TRAWL_KEK names a key twice"],
])("TRAWL_KEK=%j is refused: %s", (keks, text) => {
  expect(() => new SecretBox(keks)).toThrow(text);
});

test("one TRAWL_KEK has one box", () => {
  expect(secretBoxOf({ TRAWL_KEK: KEK_1 })).toBe(secretBoxOf({ TRAWL_KEK: KEK_1 }));
});
