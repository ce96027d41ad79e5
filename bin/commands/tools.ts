import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Command } from "commander";
import { packageLayout } from "../../edge/local/package-root.ts";
import { Failure } from "../cli-error.ts";

/** `trawl tools update`: the newest yt-dlp into the clone's `.trawl/tools`. */
export function toolsCommand(): Command {
  const update = new Command("update").description("fetch the newest yt-dlp into .trawl/tools").action(updateTools);
  return new Command("tools").description("the media tools").addCommand(update);
}

async function updateTools(): Promise<void> {
  const { root, isClone } = packageLayout();
  if (!isClone) {
    throw new Failure(
      "an installed package has no tools of its own: update yt-dlp on PATH, or name one by TRAWL_YTDLP",
    );
  }
  const child = spawn("sh", [join(root, "scripts", "setup", "ytdlp.sh"), "--force"], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Failure("yt-dlp was not updated; the reason stands above");
}
