/** What must be undone before the leak check looks: per test, or per file when it was begun in `beforeAll`. */
import { afterAll, afterEach, beforeEach } from "vitest";

type Step = () => unknown;

const ofTest: Step[] = [];
const ofFile: Step[] = [];
let inTest = false;
let waiting = new AbortController();

/** Runs when the test ends (in `beforeAll`: when the file ends), the last one given first. */
export function atEnd(step: Step): void {
  (inTest ? ofTest : ofFile).push(step);
}

/** Aborted when the test ends: nothing may go on waiting for a job of a test that is over. */
export function endOfTest(): AbortSignal {
  return waiting.signal;
}

/** All steps run, whatever one of them does; the first error is the one that is told. */
async function undo(steps: Step[]): Promise<void> {
  const errors: unknown[] = [];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

beforeEach(() => {
  inTest = true;
  waiting = new AbortController();
});

// Not `onTestFinished`: that runs after the leak check, which would find what is about to be stopped.
afterEach(async () => {
  inTest = false;
  waiting.abort(new Error("the test is over"));
  await undo(ofTest);
});

afterAll(() => undo(ofFile));
