/** What the library API keeps of a job beside the job (section 3 there). */
import type { Settings } from "../settings.ts";

export interface ItemFacts {
  /** As resolved. */
  preset: string;
  /** Output templates, as resolved. */
  template: string;
  template_chapter: string;
  /** What the user sent along. */
  extras: Record<string, unknown>;
}

/** What may hold passwords, and is sealed at rest. */
export interface ItemSecrets {
  /** The item's own arguments, without the preset's. */
  cli: string;
  cookies: string;
}

export const NO_SECRETS: ItemSecrets = { cli: "", cookies: "" };

/** Of a job that another surface made. */
export function plainFacts({ output_template, output_template_chapter }: Settings): ItemFacts {
  return {
    preset: "default",
    template: output_template,
    template_chapter: output_template_chapter,
    extras: {},
  };
}
