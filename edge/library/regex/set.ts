import { classOf, type Flags, literal, oneOf, range, type Test } from "./characters.ts";
import { setEscape } from "./escapes.ts";
import { lengthOf, type Reader } from "./reader.ts";

/** One side of what may be a range: a character, or a class, which cannot be one. */
type Side = { code: number } | { test: Test };

/** Reads `[…]`, whose bracket was just taken. */
export function readSet(reader: Reader, flags: Flags): Test {
  const start = reader.position - 1;
  const negated = reader.takeIf("^");
  const tests: Test[] = [];
  for (;;) {
    const token = takeInside(reader, start);
    if (token === "]" && tests.length > 0) return oneOf(tests, negated);
    const from = readSide(reader, token, flags);
    if (!reader.takeIf("-")) {
      tests.push(testOf(from, flags));
      continue;
    }
    const last = takeInside(reader, start);
    if (last === "]") {
      // A hyphen before the bracket is itself.
      tests.push(testOf(from, flags), literal(0x2d, flags));
      return oneOf(tests, negated);
    }
    const to = readSide(reader, last, flags);
    if (!("code" in from && "code" in to) || to.code < from.code) {
      throw reader.error(`bad character range ${token}-${last}`, lengthOf(token) + 1 + lengthOf(last));
    }
    tests.push(range(from.code, to.code, flags));
  }
}

function takeInside(reader: Reader, start: number): string {
  const token = reader.take();
  if (token === null) throw reader.errorAt("unterminated character set", start);
  return token;
}

function readSide(reader: Reader, token: string, flags: Flags): Side {
  if (!token.startsWith("\\")) return { code: token.codePointAt(0) ?? 0 };
  const test = classOf(token.slice(1), flags);
  return test === null ? { code: setEscape(reader, token) } : { test };
}

function testOf(side: Side, flags: Flags): Test {
  return "code" in side ? literal(side.code, flags) : side.test;
}
