/**
 * How events travel from the EventStream to the readers of a Worker: one a line, its id and type before its JSON, so that
 * none of the thousand readers has to parse and write it again.
 */

/** An event as it is told: the JSON of its data is made once. */
export interface ToldEvent {
  id: string;
  type: string;
  data: string;
}

export function told(event: { id: string; type: string }): ToldEvent {
  return { id: event.id, type: event.type, data: JSON.stringify(event) };
}

/** One line. JSON has no line breaks, ids and types no spaces. */
export function toFrame(event: { id: string; type: string }): string {
  return `${event.id} ${event.type} ${JSON.stringify(event)}`;
}

/** The events of one message, in order. */
export function fromFrames(message: string): ToldEvent[] {
  return message.split("\n").map((line) => {
    const [first, second] = [line.indexOf(" "), line.indexOf(" ", line.indexOf(" ") + 1)];
    return { id: line.slice(0, first), type: line.slice(first + 1, second), data: line.slice(second + 1) };
  });
}
