/** Notification targets (library API 7.5). */

import { isObject } from "../../routes/library/library-body.ts";
import { type Check, type FeatureDeps, filledText, flag, nameText, objectOf, oneOf } from "./checks.ts";
import type { FeatureKind } from "./kind.ts";
import { targetUrlFault } from "./notification-services.ts";
import { presetName, presetNames } from "./presets.ts";

/** What a target may want to hear of. */
export const NOTIFICATION_EVENTS = [
  ...["test", "item_added", "item_completed", "item_cancelled", "item_deleted", "item_paused", "item_resumed"],
  ...["item_moved", "paused", "resumed", "log_info", "log_success", "log_warning", "log_error", "task_dispatched"],
];

const TYPES = ["json", "form"] as const;
const METHODS = ["POST", "PUT"] as const;
const MAX_HEADERS = 50;

interface Header {
  key: string;
  value: string;
}

interface TargetRequest {
  type: (typeof TYPES)[number];
  method: (typeof METHODS)[number];
  url: string;
  headers: Header[];
  data_key: string;
}

export interface NotificationTarget {
  name: string;
  /** Empty: all. */
  on: string[];
  /** Empty: all. */
  presets: string[];
  enabled: boolean;
  request: TargetRequest;
}

/** One text is a list of it; null and what is blank are nothing. */
function texts(label: string): Check<string[]> {
  return (value, place) => {
    const list = Array.isArray(value) ? value : value === null ? [] : [value];
    if (!list.every((each) => typeof each === "string")) return place.fail(`${label} must be a list of strings.`);
    return [...new Set(list.map((each: string) => each.trim()).filter((each) => each !== ""))];
  };
}

/** Names that mean nothing are dropped; nothing but such is a mistake. */
function known(label: string, what: string, keep: (names: string[], deps: FeatureDeps) => Promise<string[]>) {
  const check: Check<string[]> = async (value, place) => {
    const names = await texts(label)(value, place);
    if (names === undefined || names.length === 0) return names;
    const kept = await keep(names, place.deps);
    if (kept.length === 0) {
      place.refuseOutright(`Invalid notification target. Invalid ${what} '${names.join(", ")}' found.`);
    }
    return kept;
  };
  return check;
}

const events = known("On", "events", async (names) => names.filter((name) => NOTIFICATION_EVENTS.includes(name)));

const presets = known("Presets", "presets", async (names, deps) => {
  const there = await presetNames(deps);
  return [...new Set(names.map(presetName).filter((name) => there.has(name)))];
});

const url: Check<string> = async (value, place) => {
  const target = await filledText("URL")(value, place);
  const fault = target === undefined ? null : targetUrlFault(target);
  return fault === null ? target : place.fail(fault);
};

/** They become headers of our own requests: nothing in them may end a line. */
const header = objectOf<Header>("Header", {
  key: {
    check: async (value, place) => {
      const key = await filledText("Header key")(value, place);
      if (key === undefined || /^[\w!#$%&'*+.^`|~-]+$/.test(key)) return key;
      return place.fail("Header key must be the name of a header.");
    },
  },
  value: {
    check: async (value, place) => {
      const said = await filledText("Header value")(value, place);
      if (said === undefined || /^[\t\x20-\x7e\x80-\xff]+$/.test(said)) return said;
      return place.fail("Header value must be of Latin-1 characters, without line breaks.");
    },
  },
});

const headers: Check<Header[]> = async (value, place) => {
  if (value === null) return [];
  if (!Array.isArray(value)) return place.fail("Headers must be a list.");
  if (value.length > MAX_HEADERS) return place.fail(`Headers must be at most ${MAX_HEADERS}.`);
  const read = await Promise.all(value.map((each, index) => header(each, place.at(index))));
  return read.filter((each) => each !== undefined);
};

/** In any case. */
function named<T extends string>(values: readonly T[], fold: (text: string) => string): Check<T> {
  const check = oneOf("enum", values);
  return (value, place) => check(typeof value === "string" ? fold(value.trim()) : value, place);
}

const request = objectOf<TargetRequest>("Request", {
  type: { check: named(TYPES, (text) => text.toLowerCase()), initial: "json" },
  method: { check: named(METHODS, (text) => text.toUpperCase()), initial: "POST" },
  url: { check: url },
  headers: { check: headers, initial: [] },
  data_key: { check: filledText("Data key"), initial: "data" },
});

export const NOTIFICATIONS: FeatureKind<NotificationTarget> = {
  feature: "notifications",
  what: "notification",
  title: "Notification target",
  taken: { create: "invalid", change: "conflict" },
  notFound: () => "Notification not found",
  notFoundOnDelete: (id) => `"Notification target '${id}' not found."`,
  fields: {
    name: { check: nameText() },
    on: { check: events, initial: [] },
    presets: { check: presets, initial: [] },
    enabled: { check: flag("Enabled"), initial: true },
    request: { check: request },
  },
  merge(sent, base) {
    if (!isObject(sent.request)) return sent;
    const given = Object.entries(sent.request).filter(([, value]) => value !== null);
    return { ...sent, request: { ...base.request, ...Object.fromEntries(given) } };
  },
  rank: () => 0,
  // An address may be as good as a password: a service's URL holds its token.
  sealed: ["request"],
  view: (id, { name, on, presets: only, enabled, request: sends }) => ({
    ...{ id, name, on, presets: only, enabled, request: sends },
  }),
};
