/** The proxy that a user's command line names: the guard goes through it, and yt-dlp through the guard (library API 5.1). */
import { parseUpstream, type Upstream } from "../../egress/upstream.ts";
import { MediaFailure } from "../failure.ts";

/**
 * Of several the last one counts; an empty one is none.
 *
 * @throws MediaFailure `unsupported` where it is no proxy: nobody who named one wants to go without.
 * @example userProxy(["--proxy", "socks5://proxy.example:1080"])
 */
export function userProxy(args: readonly string[]): Upstream | null {
  const values = args.flatMap((word, at) => {
    // No other option begins so.
    const [, name, value] = /^(--prox[y]?)(?:=(.*))?$/s.exec(word) ?? [];
    return name === undefined ? [] : [value ?? args[at + 1] ?? ""];
  });
  const address = values.at(-1)?.trim() ?? "";
  if (address === "") return null;
  const upstream = parseUpstream(address);
  if (upstream === null)
    throw new MediaFailure("unsupported", "Option '--proxy' must be an http, https, socks4 or socks5 URL.");
  return upstream;
}
