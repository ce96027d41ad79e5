import type { Endpoint } from "../../endpoint.ts";
import { addUrl } from "./add-url.ts";
import { cancelItems, pauseItems, startItems } from "./command-items.ts";
import { deleteHistory } from "./delete-history.ts";
import { getItem } from "./get-item.ts";
import { listHistory } from "./list-history.ts";
import { liveHistory } from "./live-history.ts";
import { postHistory } from "./post-history.ts";

export const HISTORY_ENDPOINTS: readonly Endpoint[] = [
  listHistory,
  postHistory,
  deleteHistory,
  addUrl,
  liveHistory,
  startItems,
  pauseItems,
  cancelItems,
  getItem,
];
