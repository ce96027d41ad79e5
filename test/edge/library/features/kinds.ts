/** The kinds of features as the library API lists them (section 7.1), each with an object that it takes. */
import { expect } from "vitest";
import type { Json } from "../../support.ts";

export interface Kind {
  path: string;
  /** As `Failed to validate <what>.` names it. */
  what: string;
  /** A good body without a name. */
  body: Json;
  /** The whole answer to it, without `id` and `name`. */
  answer: Json;
  /** A field of it that may be changed, and its new value. */
  change: Json;
  taken(name: string): string;
  takenStatus: { create: number; change: number };
  created: number;
  notFound(id: number): string;
  notFoundOnDelete(id: number): string;
  firstId: number;
}

const PRESETS: Kind = {
  path: "/api/presets",
  what: "preset",
  body: { folder: "my_channel/foo", template: "%(title)s.%(ext)s", cli: "--write-subs --embed-subs" },
  answer: {
    description: "",
    folder: "my_channel/foo",
    template: "%(title)s.%(ext)s",
    cookies: "",
    cli: "--write-subs --embed-subs",
    default: false,
    priority: 0,
  },
  change: { description: "changed" },
  taken: (name) => `Preset with name '${name}' already exists.`,
  takenStatus: { create: 400, change: 409 },
  created: 200,
  notFound: () => "Preset not found",
  notFoundOnDelete: () => "Preset not found",
  firstId: 9,
};

const DL_FIELDS: Kind = {
  path: "/api/dl_fields",
  what: "dl field",
  body: { field: "--title" },
  answer: { description: "", field: "--title", kind: "text", icon: "", order: 0, value: "", extras: {} },
  change: { icon: "fa-solid fa-tag" },
  taken: (name) => `DL field with name '${name}' already exists.`,
  takenStatus: { create: 400, change: 409 },
  created: 200,
  notFound: () => "DL field not found",
  notFoundOnDelete: (id) => `"DL field '${id}' not found."`,
  firstId: 1,
};

const TARGET = {
  type: "json",
  method: "POST",
  url: "https://example.com/webhook",
  headers: [{ key: "Authorization", value: "Bearer token" }],
  data_key: "data",
};

const NOTIFICATIONS: Kind = {
  path: "/api/notifications",
  what: "notification",
  body: { on: ["item_completed"], presets: ["default"], request: TARGET },
  answer: { on: ["item_completed"], presets: ["default"], enabled: true, request: TARGET },
  change: { enabled: false },
  taken: (name) => `Notification target with name '${name}' already exists.`,
  takenStatus: { create: 400, change: 409 },
  created: 200,
  notFound: () => "Notification not found",
  notFoundOnDelete: (id) => `"Notification target '${id}' not found."`,
  firstId: 1,
};

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$/) as unknown;
const CHANNEL = "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv";

const TASKS: Kind = {
  path: "/api/tasks",
  what: "task",
  body: { url: CHANNEL, preset: "default", timer: "5 */2 * * *", cookies: "no", config: { a: 1 } },
  answer: {
    ...{
      url: CHANNEL,
      folder: "",
      preset: "default",
      timer: "5 */2 * * *",
      template: "",
      cli: "",
      cookies: "",
      config: {},
    },
    ...{ auto_start: true, handler_enabled: true, enabled: true, created_at: TIME, updated_at: TIME },
  },
  change: { folder: "talks" },
  taken: (name) => `Task with name '${name}' already exists.`,
  takenStatus: { create: 409, change: 409 },
  created: 200,
  notFound: () => "Task not found",
  notFoundOnDelete: (id) => `"Task '${id}' not found."`,
  firstId: 1,
};

const CONDITION = {
  filter: "availability = 'needs_auth' & channel_id = 'channel_id'",
  cli: "--proxy http://proxy.example.com:8080",
  extras: {},
  enabled: true,
  priority: 10,
  description: "",
};

const CONDITIONS: Kind = {
  path: "/api/conditions",
  what: "condition",
  body: CONDITION,
  answer: CONDITION,
  change: { description: "changed" },
  taken: (name) => `Condition with name '${name}' already exists.`,
  takenStatus: { create: 400, change: 409 },
  created: 200,
  notFound: () => "Condition not found",
  notFoundOnDelete: (id) => `"Condition '${id}' not found."`,
  firstId: 1,
};

/** As the specification shows one, whole. */
const DEFINITION = {
  parse: {
    items: {
      type: "css",
      selector: "li.video",
      expression: null,
      fields: {
        link: { type: "css", expression: "a", attribute: "href", post_filter: null },
        title: {
          type: "css",
          expression: "h2",
          attribute: "text",
          post_filter: { filter: "^(?P<value>.+?) \\|", value: "value" },
        },
      },
    },
  },
  engine: { type: "httpx", options: {} },
  request: { method: "GET", headers: {}, params: {}, data: null, json_data: null, timeout: null, url: null },
  response: { type: "html" },
};

const TASK_DEFINITIONS: Kind = {
  path: "/api/tasks/definitions",
  what: "task definition",
  body: { match_url: ["https://example.com/shows/*"], definition: DEFINITION },
  answer: {
    ...{ description: "", priority: 0, match_url: ["https://example.com/shows/*"], enabled: true },
    ...{ created_at: TIME, updated_at: TIME, definition: DEFINITION },
  },
  change: { description: "changed" },
  taken: (name) => `Task definition with name '${name}' already exists.`,
  takenStatus: { create: 400, change: 400 },
  created: 201,
  notFound: (id) => `Task definition '${id}' not found.`,
  notFoundOnDelete: (id) => `"Task definition '${id}' not found."`,
  firstId: 1,
};

export const KINDS: readonly Kind[] = [PRESETS, DL_FIELDS, CONDITIONS, NOTIFICATIONS, TASKS, TASK_DEFINITIONS];
