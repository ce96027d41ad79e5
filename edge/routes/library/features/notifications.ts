import { NOTIFICATION_EVENTS, NOTIFICATIONS } from "../../../library/features/notifications.ts";
import type { Endpoint } from "../../endpoint.ts";
import { featureEndpoints } from "./feature-endpoints.ts";

/** `/api/notifications` (library API 7.5). */
export const NOTIFICATION_ENDPOINTS: readonly Endpoint[] = [
  ...featureEndpoints(NOTIFICATIONS, { path: "/api/notifications", name: "notification" }),
  {
    operationId: "list-notification-events",
    method: "GET",
    path: "/api/notifications/events",
    summary: "What a notification target may hear of",
    scope: "jobs:read",
    async handler(context) {
      return context.json({ events: NOTIFICATION_EVENTS });
    },
  },
];
