/** The services that a notification's URL may name instead of an http(s) address (library API 7.5). */

interface Service {
  /** What its URLs look like, for who has written another one. */
  form: string;
  pattern: RegExp;
}

const END = String.raw`\/?(?:\?.*)?$`;
const service = (form: string, pattern: string): Service => ({ form, pattern: new RegExp(`^${pattern}${END}`, "i") });

const NTFY = String.raw`ntfys?:\/\/(?:(?:[^\s:@/]*(?::[^\s@/]*)?@)?[^\s@/]+\/)?[^\s@/?#]+`;
const GOTIFY = String.raw`gotifys?:\/\/[^\s@/]+\/[^\s/?#]+`;

const SERVICES: Readonly<Record<string, Service>> = {
  ntfy: service("ntfy://<topic> or ntfy://<host>/<topic>", NTFY),
  ntfys: service("ntfys://<topic> or ntfys://<host>/<topic>", NTFY),
  gotify: service("gotify://<host>/<token>", GOTIFY),
  gotifys: service("gotifys://<host>/<token>", GOTIFY),
  discord: service("discord://<id>/<token>", String.raw`discord:\/\/[^\s/]+\/[^\s/?#]+`),
  slack: service("slack://<A>/<B>/<C>", String.raw`slack:\/\/[^\s/]+\/[^\s/]+\/[^\s/?#]+`),
  tgram: service("tgram://<bot token>/<chat id>", String.raw`tgram:\/\/[^\s/]+\/[^\s/?#]+`),
};

/** What is wrong with a target's URL; null: nothing. Where an http(s) address leads is asked at each delivery. */
export function targetUrlFault(url: string): string | null {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return "URL must have a scheme.";
  if (scheme === "http" || scheme === "https") return URL.canParse(url) ? null : "URL must be a valid URL.";
  const known = Object.hasOwn(SERVICES, scheme) ? SERVICES[scheme] : undefined;
  if (known === undefined) return `Notification scheme '${scheme}' is not supported.`;
  return known.pattern.test(url) ? null : `URL must be of the form ${known.form}.`;
}
