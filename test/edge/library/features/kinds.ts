/** The kinds of features as the library API lists them (section 7.1), each with an object that it takes. */
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

export const PRESETS: Kind = {
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

export const KINDS: readonly Kind[] = [PRESETS];
