import { afterAll, beforeAll } from "vitest";
import { testObjectStore } from "../object-store.conformance.ts";
import { type AzureBySas, type Azurite, startAzureBySas, startAzurite } from "./azurite.ts";

let azurite: Azurite;
let bySas: AzureBySas;
beforeAll(async () => {
  azurite = await startAzurite();
  bySas = await startAzureBySas(azurite);
});
afterAll(async () => {
  await bySas.stop();
  await azurite.close();
});

testObjectStore("Azure by a SAS", () => bySas.open(), { picksSuffix: false, hashesFiles: false, endsUploads: false });
