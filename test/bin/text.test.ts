import { expect, test } from "vitest";
import { durationSeconds } from "../../bin/arguments.ts";
import { formatBytes, formatTable, printable } from "../../bin/format.ts";
import { createProgress, progressLine } from "../../bin/progress.ts";
import { readEvents, type SseEvent } from "../../bin/sse.ts";

async function parse(...chunks: string[]): Promise<SseEvent[]> {
  const events: SseEvent[] = [];
  const encoded = chunks.map((chunk) => new TextEncoder().encode(chunk));
  for await (const event of readEvents(ReadableStream.from(encoded))) events.push(event);
  return events;
}

test("an event stream is read however its bytes are cut", async () => {
  const text =
    'id: 7\r\nevent: job.progress\r\ndata: {"é":1}\r\n\r\n: keep-alive\n\ndata: a\ndata: b\n\ndata: unfinished';
  const expected = [
    { id: "7", event: "job.progress", data: '{"é":1}' },
    { id: null, event: "message", data: "a\nb" },
  ];
  expect(await parse(text)).toEqual(expected);
  const bytes = Buffer.from(text);
  const singly = Array.from(bytes, (byte) => Uint8Array.of(byte));
  const events: SseEvent[] = [];
  for await (const event of readEvents(ReadableStream.from(singly))) events.push(event);
  expect(events).toEqual(expected);
});

test("an event stream that never ends a frame is given up", async () => {
  await expect(parse(`data: ${"x".repeat(5 * 1_048_576)}`)).rejects.toThrow("a frame without an end");
});

test("durations are read with their unit", () => {
  expect(["90", "90s", "15m", "1h", "7d"].map(durationSeconds)).toEqual([90, 90, 900, 3_600, 604_800]);
  expect(() => durationSeconds("1w")).toThrow();
});

test("sizes and tables are for people", () => {
  expect([null, 0, 999, 1_000, 62_914_560, 5e12].map(formatBytes)).toEqual([
    "-",
    "0 B",
    "999 B",
    "1.0 kB",
    "62.9 MB",
    "5.0 TB",
  ]);
  expect(
    formatTable([
      ["a", "bb"],
      ["ccc", "d"],
    ]),
  ).toBe("a    bb\nccc  d");
});

test("text from a site cannot drive the terminal", () => {
  expect(printable("a\u001b]52;c;ZXZpbA==\u0007b\u202ec\nd")).toBe("a ]52;c;ZXZpbA== b c d");
});

test("a line of progress tells bar, step, speed and time left; a final one the reason", () => {
  const state = {
    status: "Processing",
    step: "Muxing",
    progress: 50,
    eta_seconds: null,
    speed_bytes_per_second: null,
    error: null,
  };
  expect(progressLine("j", state)).toBe("j [############------------]  50.0% Muxing");
  expect(progressLine("j", { ...state, progress: null })).toBe("j [------------------------]   live Muxing");
  expect(progressLine("j", { ...state, status: "Failed", step: "Cancelled", error: "Job cancelled by user" })).toBe(
    "j Cancelled: Job cancelled by user",
  );
});

test("on a terminal the bars are drawn over each other, cut to its width", () => {
  const written: string[] = [];
  const progress = createProgress({ isTTY: true, columns: 30, write: (text) => written.push(text) });
  const state = {
    status: "Processing",
    step: "Muxing",
    progress: 50,
    eta_seconds: null,
    speed_bytes_per_second: null,
    error: null,
  };
  progress.update("one", state);
  progress.update("two", state);
  progress.update("one", { ...state, progress: 60 });
  const [up, clear] = ["\u001b[2A", "\r\u001b[2K"];
  expect(written[0]).toBe(`${clear}one [############------------\n`);
  expect(written[2]?.startsWith(`${up}${clear}one [`)).toBe(true);
  expect(written[2]?.split("\n")).toHaveLength(3);
});
