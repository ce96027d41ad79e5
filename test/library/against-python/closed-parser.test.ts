/** What the edge refuses by name has no meaning to the parser of a node (docs/decisions/140), and both lists are of this yt-dlp. */
import { expect, it } from "vitest";
import { classOf } from "../../../edge/library/command-line/option-classes.ts";
import { SHIPPED_OPTIONS } from "../../../edge/library/command-line/shipped-options.ts";
import { questionsSource } from "../../../worker-node/media/ytdlp/questions/source.ts";
import { askPython } from "./ask-python.ts";

const SCRIPT = `${questionsSource}
import yt_dlp
from yt_dlp import options
def answer(flags):
    known, closed = options.create_parser(), closed_parser(options.create_parser)
    return {
        "strangers": [name for name in CLOSED if not known.has_option("--" + name)]
            + [key for key in LOOK_KEYS if key not in yt_dlp.parse_options([]).ydl_opts],
        "open": [flag for flag in flags if closed.has_option(flag)],
    }
`;

it("every shown option that the edge refuses is one that a node's parser does not know", async () => {
  const refused = SHIPPED_OPTIONS.filter((option) => option.group !== undefined && classOf(option) === "refused");
  const flags = refused.flatMap((option) => option.flags);
  expect(flags).toContain("--exec");
  expect(await askPython(SCRIPT, [flags])).toEqual([{ strangers: [], open: [] }]);
});
