import { afterAll, beforeAll } from "vitest";
import { testObjectStore } from "../object-store.conformance.ts";
import { type BoundR2, startBoundR2 } from "./open-r2.ts";

let r2: BoundR2;
beforeAll(async () => {
  r2 = await startBoundR2(60);
});
afterAll(() => r2.stop());

testObjectStore("R2 by its binding", () => r2.open(), { picksSuffix: false, hashesFiles: false, endsUploads: true });
