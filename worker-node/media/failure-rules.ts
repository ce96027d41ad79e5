/**
 * What tools say → a failure class of jobs API 12, as a closed list in the order in which it is asked. The words are those
 * of yt-dlp's extractors and downloaders (2026.10.26: the sentences that they expect to say were gone through, some 470), of
 * the sites that they quote, and of ffmpeg. `docs/guide/failures.md` is this list for users.
 */
import { STATUS_CODES } from "node:http";
import type { FailureClass } from "../../shared/contract/failures.ts";

export interface Rule {
  class: FailureClass;
  words: readonly RegExp[];
  /** The text for the user; without it the class's own. */
  text?: string;
}

/** Before the status of an HTTP error is looked at: the words beside it say more. */
export const WORD_RULES: readonly Rule[] = [
  // The node itself is in trouble: before anything that a site may have said in the same breath.
  {
    class: "disk",
    words: [/no space left on device|disk quota exceeded|\benospc\b|\bedquot\b|read-only file system|file too large/i],
  },
  {
    class: "media",
    words: [/not (?:be )?found\. please install|no module named|command not found/i],
    text: "A tool is missing on the worker node",
  },
  // The egress guard's reason phrase (`egress/policy.ts`): it comes as a 403 through the proxy.
  {
    class: "unsupported",
    words: [/blocked by (?:the )?egress|egress guard|private address|address (?:is )?not allowed/i],
    text: "Unsupported URL",
  },
  // Sites that suspect a robot. Before "sign in", which the same sentence begins with.
  {
    class: "bot",
    words: [
      /not a (?:ro)?bot\b|suspected as a bot|captcha|unusual traffic|cloudflare anti-bot|just a moment\.\.\./i,
      /\bbot (?:check|detection|verification)|tls fingerprint|from an unusual location/i,
      /your ip (?:address )?is (?:likely (?:being )?)?(?:blocked|unable to access)|request is rejected by server/i,
    ],
  },
  {
    class: "rate",
    words: [
      /\btoo many requests\b|rate[- ]?limit|\bquota exceeded\b|request is blocked by server/i,
      /isn.?t available, try again later|reached your play limit/i,
    ],
  },
  { class: "drm", words: [/\bDRM\b|widevine|playready|fairplay|SAMPLE-AES/i] },
  {
    class: "not_begun",
    words: [
      /(?:event|stream|livestream|live|premiere|broadcast|radio|program|space|ride|audition|video).{0,40}(?:will (?:begin|start|be available after)|(?:has )?not (?:yet )?(?:begun|started)\b|(?:begins|starts) in\b)/i,
      /premieres? (?:in\b|will)|(?:is )?scheduled (?:for|to start)|has not aired yet|is upcoming|waiting for .{1,60} to (?:begin|start)/i,
      /not (?:currently |yet )?live\b|isn.?t live|is (?:now )?offline\b/i,
    ],
  },
  {
    class: "geo",
    words: [
      /geo[- ]?(?:restrict|block)|might want to (?:use|try) a vpn|login region/i,
      /(?:not|isn.?t|unavailable|blocked|restricted).{0,60}\b(?:in|from|for) (?:your|this) (?:country|region|location|area)\b/i,
      /in your (?:country|region) on copyright|(?:available|licensed).{0,30} in [A-Z][\w .]{2,30} only|\bonly (?:available|licensed).{0,20} (?:to users )?in [A-Z][a-z]/,
    ],
  },
  // Before "not found" can mean the video.
  { class: "network", words: [/fragment \d+ not found|did not get any data blocks|page needs to be reloaded/i] },
  // Before "not available" can mean the video.
  {
    class: "unsupported",
    words: [/requested format is not available/i],
    text: "Requested format is not available",
  },
  // Removed before private: sentences about a terminated account also speak of its privacy.
  {
    class: "removed",
    words: [/\b(?:account|channel|user)\b.{0,60}\b(?:been|was|is) (?:terminated|suspended|closed|banned|deactivated)/i],
    text: "The channel has been terminated",
  },
  {
    class: "removed",
    words: [/copyright (?:claim|grounds|infringement|strike|issues|holder)|dmca/i],
    text: "Video was removed because of a copyright claim",
  },
  {
    class: "removed",
    words: [
      /(?:has|have|may) been (?:removed|deleted|taken down|disabled)|was (?:removed|deleted|taken down)|may be deleted/i,
      /been removed by|does ?n[o']t exist|no longer (?:available|exists)|page not found|no such (?:podcast|audition)/i,
    ],
  },
  {
    class: "private",
    words: [/age[- ](?:restrict|limit|gate|check|verif)|confirm your age|inappropriate for some users|adult verif/i],
    text: "Video is age-restricted",
  },
  {
    class: "private",
    words: [
      /members?[- ]only|join this channel|subscribers?[- ]only|supporter-only|first members|channel'?s members/i,
      /only available (?:for|to) (?:premium|music premium|subscrib|paying|patron|member|first)/i,
      /requires? (?:payment|purchase|a (?:channel )?subscription|rental)|(?:purchase|ticket|coin).{0,20} (?:is )?(?:required|needed)/i,
      /is paid\b|paid content|need to purchase|have to pay|is not free\b|subscription needed|premium videos?|not subscribed/i,
    ],
    text: "Video is for members only",
  },
  {
    class: "private",
    words: [/password[- ]protected|protected by a pass(?:word|code)|(?:wrong|incorrect|invalid) (?:video )?password/i],
    text: "Video is protected by a password",
  },
  {
    class: "private",
    words: [
      /\bprivate (?:video|playlist|account|profile|content|track|post|subreddit|show)\b|is (?:likely either )?private\b/i,
      /in a private show|protected tweet|not made available to anyone/i,
    ],
    text: "Video is private",
  },
  {
    class: "private",
    words: [
      /log ?in (?:is )?(?:required|needed|details)|(?:require|need|may need)s? (?:to )?log ?in|(?:need|have|required) to (?:be logged|log|sign) ?in/i,
      /please (?:log|sign) ?in|sign in (?:to|if)|login with|must be logged|not logged in|logged-in|log into an account/i,
      /only available (?:for|to) (?:registered|logged|users)|requires? (?:authentication|an account)|authentication is required|account is needed/i,
      /(?:does|do) not have (?:access|permission|tickets)|not authorized|cookies (?:\(not necessarily logged in\) )?are (?:needed|required)/i,
      /use --cookies|--cookies(?:-from-browser)?\b|--username|opted in is required|empty media response|unable to log ?in/i,
      /adobe pass multiple-system|cable service provider|has expired or (?:is|been) invalid|expired token/i,
    ],
    text: "Sign-in is required by the site",
  },
  {
    class: "removed",
    words: [
      /(?:video|content|media|post|clip|episode|track|stream|this|song|playlist|recording|program).{0,30} (?:is |is currently |currently |has been |isn.?t )?(?:unavailable|not available|offline because|inaccessible|unplayable)/i,
      /(?:video|content|stream|channel|show|space|track|media|clip|playlist|user).{0,40}\bnot found\b|broadcast rights expired/i,
      /(?:live ?stream|live|event|space|stream|broadcast).{0,10} (?:has |was )?(?:ended|expired)|link is expired|not archived/i,
      /(?:is|still|we.?re) (?:being )?process(?:ing|ed)|neither archive nor live/i,
    ],
    text: "Video is unavailable",
  },
  {
    class: "unsupported",
    words: [
      /Unsupported URL|no suitable extractor|is not a valid URL|\binvalid URL\b|unsupported (?:url|protocol) scheme|file:\/\/ URLs are disabled/i,
      /no (?:video )?formats found|no (?:supported )?media (?:links )?found|no videos? (?:\w+ )?(?:could be |was |were )?found|no video\/audio found/i,
      /no video (?:in|on|with|element|metadata|sources)|(?:is|there(?:'s| is)) no(?:t a)? video|no sources found|no (?:active )?streams found|no songs found/i,
      /does(?:n't| not) (?:contain|have) (?:any |a )?(?:video|audio)|(?:is|are) not (?:a )?(?:video|downloadable|supported)\b|not a (?:file|video)/i,
      /piracy|will not be supported|(?:does not have|without) a .{1,30}(?:tab|video id)|playlist type is unviewable/i,
      /could(?:n't| not) find (?:the )?video|url .{1,80} looks truncated|did you forget to quote/i,
    ],
  },
];

/** After the status: what is said of a connection, where it was that and no answer. */
export const LINE_RULES: readonly Rule[] = [
  {
    class: "network",
    words: [
      /timed? ?out|connection (?:reset|refused|aborted|closed|broken)|remote end closed|IncompleteRead|content too short/i,
      /bytes read, .* more expected|downloaded \d+ bytes, expected \d+|temporary failure in name resolution|name or service not known|getaddrinfo|no address associated/i,
      /network is unreachable|no route to host|broken pipe|sslerror|\[ssl|ssl:|tls handshake|certificate|eof occurred/i,
      /bad gateway|service (?:temporarily )?unavailable|proxyerror|proxy (?:error|connection)|tunnel connection failed|transporterror/i,
      /downloaded file is empty|unable to (?:continue|connect|download)|failed to (?:resolve|connect)|a network error|incomplete data/i,
      /giving up after|errno (?:32|10[0-9]|11[0-3])\b|error on server-side|data received\. try again/i,
    ],
  },
];

/** `HTTP Error 404: Not Found`, as yt-dlp has it. */
const HTTP_STATUS = /\bHTTP Error (\d{3})\b/i;

/** The status of the HTTP error in a message; null when there is none. */
export function httpStatus(said: string): number | null {
  const status = HTTP_STATUS.exec(said)?.[1];
  return status === undefined ? null : Number(status);
}

/**
 * A message without what is no word of the site: addresses (`/drm/` in a path says nothing about the media) and the usual
 * name of a status ("Service Unavailable" is no video that is unavailable). A reason of the server's own stays.
 */
export function plainWords(said: string): string {
  const status = httpStatus(said);
  const name = status === null ? undefined : STATUS_CODES[status];
  const words = said.replace(/\bhttps?:\/\/\S+/gi, "<url>").replace(/\(caused by <HTTPError [^>]*>\)/g, "");
  return name === undefined ? words : words.replaceAll(`${status}: ${name}`, String(status));
}

/**
 * The class of an HTTP error without telling words. For the page, its answer is the site's last word. For the media it
 * mostly means an address that has run out, and a new look helps; what is gone is gone there too.
 */
export function statusRule(status: number, fetching: "page" | "media", words: string): Omit<Rule, "words"> {
  if (/redirect loop/i.test(words)) return { class: "unsupported", text: "The URL redirects in a circle" };
  if (status === 404 || status === 410) return { class: "removed" };
  if (status === 429 || status === 420) return { class: "rate" };
  // No page has a precondition for a plain GET: this is how sites turn away what they take for a crawler.
  if (status === 412) return { class: "bot" };
  if (status === 451) return { class: "geo" };
  if (status >= 500 || status === 408 || status === 425 || status === 407) return { class: "network" };
  if (fetching === "media") return { class: "network" };
  if (status === 401) return { class: "private", text: "Sign-in is required by the site" };
  if (status === 402) return { class: "private", text: "Video is for members only" };
  if (status === 403 || status === 423) return { class: "private" };
  return { class: "unsupported" };
}
