/** The calls about yt-dlp itself, and the look with a user's own options (library API 5): asked and read back. */
import { z } from "zod";
import type { CallRequest, CallResult } from "../../shared/contract/calls.ts";
import { ArchiveIdsResult, InfoResult, OptionsResult, ParseOptionsResult } from "../../shared/contract/ytdlp-calls.ts";
import type { YtDlp, YtDlpContext } from "../media/ytdlp/port.ts";

type Asked<Kind extends CallRequest["kind"]> = Extract<CallRequest, { kind: Kind }>;

const Refused = z.object({ refused: z.string(), version: z.string() });

/** @throws MediaFailure */
export async function answerAboutYtDlp(
  request: Asked<"options" | "parse_options" | "archive_ids" | "info">,
  ytdlp: YtDlp,
  context: YtDlpContext,
): Promise<CallResult> {
  switch (request.kind) {
    case "options":
      return OptionsResult.parse(answer(request, await ytdlp.ask({ ask: "options" }, context)));
    case "archive_ids":
      return ArchiveIdsResult.parse(
        answer(request, await ytdlp.ask({ ask: "archive_ids", urls: request.urls }, context)),
      );
    case "parse_options": {
      const raw = await ytdlp.ask({ ask: "parse", args: request.args }, context);
      const nothing = { opts: null, output_template: null, download_path: null, format: null };
      return ParseOptionsResult.parse(answer(request, raw, nothing));
    }
    case "info": {
      const raw = await ytdlp.ask({ ask: "info", url: request.url, args: request.args }, context);
      return InfoResult.parse(answer(request, raw, { info: null, left_out: [] }));
    }
  }
}

/** What `questions.py` said as the contract has it; `refusal` stands for the rest where the arguments were not taken. */
function answer({ kind }: CallRequest, raw: unknown, refusal: Record<string, unknown> = {}): unknown {
  const { data } = Refused.safeParse(raw);
  if (data !== undefined) return { kind, ...refusal, ...data, refused: data.refused.slice(0, 2_000) };
  return { kind, refused: null, left_out: [], ...(raw as object) };
}
