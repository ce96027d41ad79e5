import { AppError } from "../../../app-error.ts";
import { readSettings } from "../../../db/settings.ts";
import { DOWNLOADS, TEMP } from "../../../library/wire-names.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { isObject, readLibraryJson } from "../library-body.ts";
import { chosenPreset } from "./chosen-preset.ts";
import { mergeCommandLine, quoteArguments } from "./merged-command-line.ts";
import { parsedOptions } from "./parsed-options.ts";
import { itemCli, readSubmission } from "./submission.ts";

const NOT_JSON = "Invalid request. expecting JSON body.";
const COOKIE_FILE = `${TEMP}/cookies.txt`;

/** `POST /api/yt-dlp/command` (library API 5.3): the command line that a submission stands for. */
export const buildCommand: Endpoint = {
  operationId: "build-command",
  method: "POST",
  path: "/api/yt-dlp/command",
  summary: "The command line of a submission",
  scope: "jobs:write",
  async handler(context) {
    if (context.env.TRAWL_CONSOLE !== "1") throw new AppError("forbidden", "Console is disabled.");
    const body = await readLibraryJson(context, { notJson: NOT_JSON });
    if (!isObject(body)) throw new AppError("invalid", NOT_JSON);
    try {
      return context.json(await answer(context, body));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "invalid") throw error;
      throw new AppError("invalid", error.message, { ...error.extras, body: { data: body, ...error.extras.body } });
    }
  },
};

async function answer(context: AppContext, body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { env } = context;
  const item = readSubmission(body, env);
  const preset = await chosenPreset(context, body.preset);
  const line = mergeCommandLine([preset.cli, itemCli(item, env)], env);
  const { output_template: usual } = await readSettings(env.DB, context.var.caller.account.id);
  const template = item.template || preset.template || usual;
  const savePath = pathOf(item.folder || preset.folder);
  const cookieFile = (item.cookies || preset.cookies) === "" ? null : COOKIE_FILE;
  const args = [
    ...line.args,
    ...(cookieFile === null ? [] : ["--cookies", cookieFile]),
    ...["--output", template],
    ...["--paths", `home:${savePath}`],
    ...["--paths", `temp:${TEMP}`],
    item.url,
  ];
  const command = quoteArguments(args);
  if (context.req.query("full") === undefined) return { command };
  const { opts } = await parsedOptions(context, line.args);
  return {
    command,
    dict: args,
    ytdlp: opts,
    merged: { template, save_path: savePath, cookie_file: cookieFile },
  };
}

/** @throws AppError 400 for a folder that would lead out of the downloads. */
function pathOf(folder: string): string {
  const parts = folder.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new AppError("invalid", "Failed to build CLI command");
  return [DOWNLOADS, ...parts].join("/");
}
