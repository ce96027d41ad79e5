/** The guide's page of the library's features: its paths are those that there are, and its commands are taken. */
import { expect, it } from "vitest";
import page from "../../../docs/guide/library-features.md?raw";
import { FEATURE_ENDPOINTS } from "../../../edge/routes/library/features/endpoints.ts";
import { expectCommandsTaken } from "./guide-commands.ts";

it("names every path in a table", () => {
  const named = [...page.matchAll(/^\| `(?:GET )?(\/api\/[^`]*)` \|/gm)].map((match) => match[1]);
  const paths = new Set(FEATURE_ENDPOINTS.map((each) => each.path).filter((path) => !path.includes(":")));
  expect(named.toSorted()).toEqual([...paths].toSorted());
});

it("every command answers with a success, in its order", () => expectCommandsTaken(page));
