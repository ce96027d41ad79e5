import { expect, it } from "vitest";
import { parseTraceparent, traceparentText } from "../../shared/trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

it("a traceparent is read, and written again in the version that we know", () => {
  const context = parseTraceparent(`00-${TRACE}-${SPAN}-01`);
  expect(context).toEqual({ traceId: TRACE, spanId: SPAN, flags: "01" });
  expect(context && traceparentText(context)).toBe(`00-${TRACE}-${SPAN}-01`);
});

it("a later version may have more fields, which are not passed on", () => {
  const context = parseTraceparent(`cc-${TRACE}-${SPAN}-00-what-may-come`);
  expect(context && traceparentText(context)).toBe(`00-${TRACE}-${SPAN}-00`);
});

it.each([
  ["nothing", undefined],
  ["an empty one", ""],
  ["the forbidden version", `ff-${TRACE}-${SPAN}-01`],
  ["a trace id of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["a span id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
  ["capital letters", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ["a fifth field in version 00", `00-${TRACE}-${SPAN}-01-x`],
  ["a short one", `00-${TRACE}-${SPAN}`],
  ["two of them", `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
])("%s is ignored", (_, text) => {
  expect(parseTraceparent(text)).toBeNull();
});
