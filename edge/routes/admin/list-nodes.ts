import { noDatabase } from "../../app-error.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { readFleet } from "./fleet-view.ts";

export const listNodes = adminEndpoint(
  "list-nodes",
  "GET",
  "/admin/nodes",
  "List the nodes of the fleet",
  async (context) => {
    const fleet = await readFleet(context.env);
    if (fleet === null) throw noDatabase();
    const { nodes, unavailable } = fleet;
    return context.json(unavailable.length === 0 ? { nodes } : { nodes, unavailable });
  },
);
