/** Files of the library API (sections 9.4 to 9.7 there). */
import type { Endpoint } from "../../endpoint.ts";
import { browseFiles } from "./browse-files.ts";
import { fetchFile } from "./fetch-file.ts";
import { fetchZip } from "./fetch-zip.ts";
import { makeZipLink } from "./make-zip-link.ts";
import { runFileActions } from "./run-file-actions.ts";

export const FILE_ENDPOINTS: readonly Endpoint[] = [browseFiles, fetchFile, makeZipLink, fetchZip, runFileActions];
