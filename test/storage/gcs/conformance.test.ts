import { testObjectStore } from "../object-store.conformance.ts";
import { openGcs } from "./open-gcs.ts";

testObjectStore("Google Cloud Storage", openGcs, { picksSuffix: false, hashesFiles: false, endsUploads: true });
