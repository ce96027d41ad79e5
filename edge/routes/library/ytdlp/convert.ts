import { AppError } from "../../../app-error.ts";
import type { Endpoint } from "../../endpoint.ts";
import { readLibraryObject } from "../library-body.ts";
import { readCommandLine } from "./merged-command-line.ts";
import { parsedOptions } from "./parsed-options.ts";

const NO_ARGS = "args param is required.";

/** `POST /api/yt-dlp/convert` (library API 5.2): a command line as yt-dlp's Python options. */
export const convert: Endpoint = {
  operationId: "convert",
  method: "POST",
  path: "/api/yt-dlp/convert",
  summary: "A command line as options of yt-dlp's",
  scope: "jobs:write",
  async handler(context) {
    const { args } = await readLibraryObject(context, { notObject: NO_ARGS });
    if (typeof args !== "string" || args.trim() === "") throw new AppError("invalid", NO_ARGS);
    const line = readCommandLine(args, context.env);
    const parsed = await parsedOptions(context, line.parseArgs);
    return context.json({
      opts: parsed.opts,
      output_template: parsed.output_template,
      download_path: parsed.download_path,
      ...(parsed.format === null ? {} : { format: parsed.format }),
      ...(line.removed.length === 0 ? {} : { removed_options: line.removed }),
    });
  },
};
