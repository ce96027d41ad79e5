import type { Endpoint } from "../../endpoint.ts";
import { cancelItems, pauseItems, startItems } from "./command-items.ts";
import { deleteHistory } from "./delete-history.ts";
import { getItem } from "./get-item.ts";
import { listHistory } from "./list-history.ts";
import { liveHistory } from "./live-history.ts";

export const HISTORY_ENDPOINTS: readonly Endpoint[] = [
  listHistory,
  deleteHistory,
  liveHistory,
  startItems,
  pauseItems,
  cancelItems,
  getItem,
];
