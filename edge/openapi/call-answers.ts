/** Answers of calls that a worker node has to answer at once (jobs API 1.3, 12). */
import { FAILURE_CLASSES, FAILURE_RULES, type FailureClass } from "../../shared/contract/failures.ts";
import { type Refusal, refused } from "./describe.ts";

/** Classes that only a job can end with. */
const OF_JOBS_ALONE: readonly FailureClass[] = ["cancelled", "quota"];

function texts(type: "error" | "warning"): string[] {
  return FAILURE_CLASSES.filter((name) => !OF_JOBS_ALONE.includes(name) && FAILURE_RULES[name].error_type === type).map(
    (name) => FAILURE_RULES[name].text,
  );
}

const contentProblems: Refusal[] = texts("warning").map((error) => ({ error, field: "url" }));

export const CALL_ANSWERS = [
  refused(400, "A problem of the content.", ...contentProblems),
  refused(502, "Trouble at the source site, or on the nodes that were asked.", ...texts("error")),
  refused(503, "Nobody is there to ask.", "No worker node is online"),
  refused(504, "Two nodes were asked in vain.", "Extraction timed out"),
];
