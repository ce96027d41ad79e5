import { DashboardBilling } from "../../../shared/contract/views/dashboard.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

/** `GET /dashboard/billing` (jobs API 10): always this body. */
export const dashboardBilling: Endpoint = {
  operationId: "dashboard-billing",
  method: "GET",
  path: "/dashboard/billing",
  summary: "Billing, which this server has none of",
  scope: "usage:read",
  describe: {
    tag: "Dashboard",
    answers: [answer(200, "The figures.", DashboardBilling)],
  },
  async handler(context) {
    return context.json({ billing_enabled: false, message: "Billing is not enabled on this server" });
  },
};
