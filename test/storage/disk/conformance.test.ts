import { testObjectStore } from "../object-store.conformance.ts";
import { openDisk } from "./harness.ts";

testObjectStore("The disk store", openDisk, { picksSuffix: true, hashesFiles: true, endsUploads: true });
