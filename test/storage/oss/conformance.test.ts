import { testObjectStore } from "../object-store.conformance.ts";
import { openOss } from "./open-oss.ts";

testObjectStore("OSS", openOss, { picksSuffix: false, hashesFiles: false, endsUploads: true });
