/** Every JSON example of the jobs API's documentation fits the document, key by key. */
import { expect, it } from "vitest";
import documented from "./documented-examples.json";
import { expectFit, operationsOf, pointerTo, readDocument } from "./support.ts";

it("every documented example fits its schema, with no key that the document does not know", async () => {
  const document = await readDocument();
  const operations = operationsOf(document);
  /** `get-job 200`, `create-job body`, or the name of a schema. */
  const pointerOf = (where: string): string => {
    const [operationId, part] = where.split(" ");
    if (part === undefined) return pointerTo("components", "schemas", where);
    const operation = operations.find((each) => each.operationId === operationId);
    const place = part === "body" ? "/requestBody" : `/responses/${part}`;
    return `${operation?.pointer}${place}${pointerTo("content", "application/json", "schema")}`;
  };
  const values = documented.map(({ section, where, example }) => ({
    name: `section ${section}: ${where}`,
    pointer: pointerOf(where),
    value: example,
  }));
  expect(values.length).toBe(44);
  await expectFit(document, values);
});
