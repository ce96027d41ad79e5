/** Every endpoint of the library API. */
import type { Endpoint } from "../endpoint.ts";
import { addArchiveItems } from "./archiver/add-to-archive.ts";
import { listArchiveItems } from "./archiver/list-archive.ts";
import { removeArchiveItems } from "./archiver/remove-from-archive.ts";
import { testCondition } from "./conditions/test-condition.ts";
import { DEV_ENDPOINTS } from "./dev.ts";
import { FEATURE_ENDPOINTS } from "./features/endpoints.ts";
import { FILE_ENDPOINTS } from "./files/endpoints.ts";
import { HISTORY_ENDPOINTS } from "./history/endpoints.ts";
import { IMAGE_ENDPOINTS } from "./images/endpoints.ts";
import { PAUSE_ENDPOINTS } from "./pause.ts";
import { ping } from "./ping.ts";
import { shutdown } from "./shutdown.ts";
import { archiveId } from "./ytdlp/archive-id.ts";
import { buildCommand } from "./ytdlp/build-command.ts";
import { convert } from "./ytdlp/convert.ts";
import { listOptions } from "./ytdlp/list-options.ts";
import { urlInfo } from "./ytdlp/url-info.ts";

export const LIBRARY_ENDPOINTS: readonly Endpoint[] = [
  ping,
  convert,
  buildCommand,
  urlInfo,
  listOptions,
  archiveId,
  listArchiveItems,
  addArchiveItems,
  removeArchiveItems,
  testCondition,
  ...HISTORY_ENDPOINTS,
  ...FEATURE_ENDPOINTS,
  ...DEV_ENDPOINTS,
  ...PAUSE_ENDPOINTS,
  shutdown,
  ...FILE_ENDPOINTS,
  ...IMAGE_ENDPOINTS,
];
