/** Values that somebody might send where something else was meant. */
import fc from "fast-check";

const huge = fc.integer({ min: 1, max: 4 }).map((step) => "x".repeat(10 ** (step + 1)));
const odd = fc.constantFrom(
  "",
  " ",
  "\u0000",
  "null",
  "..",
  "../../etc/passwd",
  "%00",
  "'; DROP TABLE jobs; --",
  "\ud800",
  "e\u0301\u202e\ufeff",
  "😀".repeat(300),
  "01a2310c-0100-726b-b2a7-4de452e6b438",
  "http://[::1]/",
  "https://user:pass@media.example.com/",
  "javascript:alert(1)",
  "9".repeat(400),
);

export const text = fc.oneof(odd, huge, fc.string({ unit: "binary", maxLength: 60 }), fc.webUrl());

const number = fc.oneof(
  fc.constantFrom(0, -0, -1, 0.5, 1e21, -1e308, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 63),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** Any JSON, shallow or not. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 2, arbitrary: number },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], { "": {} }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.constant({ ["__proto__"]: { polluted: true }, constructor: 1, toString: null }) },
);

/** JSON text, nested deeper than a stack is. */
export const deep = fc
  .tuple(fc.constantFrom<[string, string]>(["[", "]"], ['{"a":', "}"]), fc.constantFrom(50, 5_000, 120_000))
  .map(([[open, close], depth]) => `${open.repeat(depth)}1${close.repeat(depth)}`);

/** A header value that a client can send at all. */
export const headerText = fc
  .oneof(fc.constantFrom("a", "x".repeat(255), "x".repeat(256)), fc.string({ maxLength: 40 }))
  .map((value) => value.replace(/[^\x21-\x7e]/g, "_"));
