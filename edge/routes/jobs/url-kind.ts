/** Which URLs become batches (jobs API 3.4): decided by the URL alone, before anyone looks at it. */

export type UrlKind =
  /** A Spotify show: always a batch. */
  | "show"
  /** A YouTube playlist, mix or channel page. */
  | "youtube-list"
  | "other";

const YOUTUBE = /^(?:[a-z0-9-]+\.)?(?:youtube\.com|youtube-nocookie\.com|youtu\.be)$/i;
const CHANNEL = /^\/(?:@[^/]+|channel\/[^/]+|c\/[^/]+|user\/[^/]+)(?:\/[a-z]*)?\/?$/i;

export function urlKind(text: string): UrlKind {
  const url = URL.parse(text);
  if (url === null) return "other";
  const host = url.hostname.toLowerCase();
  if (
    /^(?:open|play)\.spotify\.com$/.test(host) &&
    /^\/(?:intl-[a-z-]+\/)?(?:embed\/)?show\/[A-Za-z0-9]+/.test(url.pathname)
  ) {
    return "show";
  }
  if (!YOUTUBE.test(host)) return "other";
  const isList = url.searchParams.has("list") || /^\/playlist\/?$/.test(url.pathname) || CHANNEL.test(url.pathname);
  return isList ? "youtube-list" : "other";
}

/** Whether a URL has one of the four forms of a YouTube video that section 5 names, in a list or not. */
export function namesYoutubeVideo(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !YOUTUBE.test(url.hostname.toLowerCase())) return false;
  const short = /(?:^|\.)youtu\.be$/i.test(url.hostname);
  const id = short
    ? url.pathname.split("/")[1]
    : url.pathname === "/watch"
      ? url.searchParams.get("v")
      : /^\/(?:shorts|embed)\/([^/]+)/.exec(url.pathname)?.[1];
  return id !== undefined && id !== null && /^[A-Za-z0-9_-]{1,64}$/.test(id);
}
