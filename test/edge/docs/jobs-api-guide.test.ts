/** The guide's page of the jobs API has every route, and none that does not exist. */
import { expect, it } from "vitest";
import page from "../../../docs/guide/jobs-api.md?raw";
import { ENDPOINTS } from "../../../edge/routes/endpoints.ts";

/** Own storage has a page of its own. */
const ELSEWHERE = /^\/user\/(?:s3|blob|gcs|oss|bucket)$/;

const routes = ENDPOINTS.filter((each) => each.describe !== undefined && !ELSEWHERE.test(each.path)).map(
  (each) => `${each.method} ${each.path.replace(":id", "{id}")}`,
);

it("names every route in a table", () => {
  const named = [...page.matchAll(/^\| `([A-Z]+ \/[^`]*)` \|/gm)].map((match) => match[1]);
  expect(named.toSorted()).toEqual(routes.toSorted());
});

it("has a command for every path", () => {
  const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1]).join("");
  const paths = new Set(routes.map((route) => route.split(" ")[1] ?? ""));
  const missing = [...paths].filter((path) => {
    const form = path.replace("{id}", "\\$[^\\s]+").replace(/\/dashboard\/\w+$/, "/dashboard/\\$P");
    return !new RegExp(`\\$E${form}(?=[\\s"?;]|$)`, "m").test(commands);
  });
  expect(missing).toEqual([]);
});
