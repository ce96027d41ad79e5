import { AppError } from "../../app-error.ts";
import type { Endpoint } from "../endpoint.ts";

/** `POST /api/system/shutdown` (10.2): ends the embedded stack, which its host does once this is answered. */
export const shutdown: Endpoint = {
  operationId: "shutdown",
  method: "POST",
  path: "/api/system/shutdown",
  summary: "Stop the embedded stack",
  scope: "admin",
  async handler(context) {
    const { HOST } = context.env;
    if (HOST === undefined) throw new AppError("invalid", "Shutdown is only available in the native mode.");
    const { ok } = await HOST.fetch("http://host/shutdown", { method: "POST" });
    if (!ok) throw new Error("the host does not take the order");
    return context.json({ message: "The application shutting down." });
  },
};
