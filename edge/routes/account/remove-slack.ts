import { SlackRemoved } from "../../../shared/contract/views/account.ts";
import { AppError } from "../../app-error.ts";
import { removeSlack as remove } from "../../db/endpoints.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

/** `DELETE /user/slack` (jobs API 9.3). */
export const removeSlack: Endpoint = {
  operationId: "remove-slack",
  method: "DELETE",
  path: "/user/slack",
  summary: "Send nothing to Slack any more",
  scope: "storage:write",
  describe: {
    tag: "Account",
    answers: [
      answer(200, "Removed.", SlackRemoved),
      refused(404, "Nothing to remove.", "Slack webhook is not configured"),
    ],
  },
  async handler(context) {
    if (!(await remove(context.env.DB, context.var.caller.account.id))) {
      throw new AppError("not_found", "Slack webhook is not configured");
    }
    return context.json({ message: "Slack webhook removed", configured: false });
  },
};
