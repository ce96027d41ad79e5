import { afterAll, beforeAll } from "vitest";
import { testObjectStore } from "../object-store.conformance.ts";
import { type Azurite, openAzure, startAzurite } from "./azurite.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

testObjectStore("Azure", () => openAzure(azurite), { picksSuffix: false, hashesFiles: false, endsUploads: false });
