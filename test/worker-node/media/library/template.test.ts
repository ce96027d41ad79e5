import { expect, it } from "vitest";
import { insideTemplate, nest } from "../../../../worker-node/media/library/template.ts";

it.each([
  ["%(title)s.%(ext)s", "./%(title).180B.%(ext)s", 1],
  ["/srv/../%(uploader)s/%(id)s.%(ext)s", "./srv/%(uploader)s/%(id)s.%(ext)s", 3],
  ["~/x.%(ext)s", "./~/x.%(ext)s", 2],
  ["\u0024{HOME}/$HOME/a$.%(ext)s", "./＄{HOME}/＄HOME/a$.%(ext)s", 3],
  ["%(title)s - %(section_title)s", "./%(title).90B - %(section_title).90B", 1],
  ["%(title).50s/%(title)#s", "./%(title).50s/%(title)#s", 2],
  ["", "./%(title).180B.%(ext)s", 1],
  [" .. / . ", "./%(title).180B.%(ext)s", 1],
])("makes of the template %j one that stays inside", (template, text, folders) => {
  expect(insideTemplate(template)).toEqual({ text, folders });
});

it("takes no template that would lie deeper than a path may be", () => {
  expect(() => insideTemplate("a/".repeat(51))).toThrow(expect.objectContaining({ class: "unsupported" }));
});

it("lies as deep as its paths could go up", () => {
  expect(nest("/w/out", 3)).toBe("/w/out/d/d/d");
});
