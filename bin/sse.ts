/** One event of an event stream. */
export type SseEvent = { id: string | null; event: string; data: string };

/** A frame is one job at most; what grows beyond this is no stream of ours. */
const MAX_PENDING_CHARS = 4 * 1_048_576;

/**
 * Reads `text/event-stream` (WHATWG HTML, section 9.2.6); comments, such as the keep-alive, are skipped.
 *
 * @throws Error if the connection breaks or a frame has no end
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of body) {
    pending += decoder.decode(chunk, { stream: true });
    // A chunk may end between the two characters of a line end: CR is only dropped together with its LF.
    const frames = pending.replaceAll("\r\n", "\n").split("\n\n");
    pending = frames.pop() ?? "";
    if (pending.length > MAX_PENDING_CHARS) throw new Error("the event stream sent a frame without an end");
    for (const frame of frames) {
      const event = parseFrame(frame);
      if (event !== null) yield event;
    }
  }
}

function parseFrame(frame: string): SseEvent | null {
  const event: SseEvent = { id: null, event: "message", data: "" };
  const data: string[] = [];
  for (const line of frame.split("\n")) {
    const [, field, value = ""] = /^([^:]+):? ?(.*)$/s.exec(line) ?? [];
    if (field === "id") event.id = value;
    else if (field === "event") event.event = value;
    else if (field === "data") data.push(value);
  }
  if (data.length === 0) return null;
  event.data = data.join("\n");
  return event;
}
