import { AppError } from "../../../app-error.ts";
import { FilterEvaluationError, FilterSyntaxError } from "../../../library/filter/errors.ts";
import { evaluateFilter } from "../../../library/filter/evaluate.ts";
import { parseFilter } from "../../../library/filter/parse.ts";
import { pythonRepr } from "../../../library/python-repr.ts";
import { urlFault } from "../../../library/urls.ts";
import type { Endpoint } from "../../endpoint.ts";
import { NodeRefused } from "../ask-node.ts";
import { readLibraryObject } from "../library-body.ts";
import { chosenPreset } from "../ytdlp/chosen-preset.ts";
import { lookUp } from "../ytdlp/look-up.ts";

const TTL_MS = 600_000;

/** `POST /api/conditions/test` (library API 7.4): whether a filter holds for a URL. */
export const testCondition: Endpoint = {
  operationId: "test-condition",
  method: "POST",
  path: "/api/conditions/test",
  summary: "Try a filter on a URL",
  scope: "jobs:write",
  async handler(context) {
    const body = await readLibraryObject(context);
    const url = required(body.url, "url");
    const condition = required(body.condition, "condition");
    const fault = urlFault(url, context.env);
    if (fault !== null) throw new AppError("invalid", fault);
    const preset = await chosenPreset(context, body.preset);
    const filter = told(() => parseFilter(condition));
    const asked = { url, preset, args: "", use: "conditions/test", ttlMs: TTL_MS, force: false };
    const { info } = await lookUp(context, asked).catch((error: unknown) => {
      if (!(error instanceof NodeRefused)) throw error;
      if (error.ofContent) throw new AppError("invalid", `Failed to extract info from '${url}'.`);
      throw new AppError("failed", `Failed to extract video info. ${pythonRepr(error.said)}`);
    });
    return context.json({ status: told(() => evaluateFilter(filter, info)), condition, data: info });
  },
};

function required(value: unknown, name: string): string {
  if (typeof value !== "string" || value.trim() === "") throw new AppError("invalid", `${name} is required.`);
  return value.trim();
}

/** The filter's own text is the answer. */
function told<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FilterSyntaxError || error instanceof FilterEvaluationError)) throw error;
    throw new AppError("invalid", error.message);
  }
}
