import { adminEndpoint } from "./admin-guard.ts";
import { readFleet } from "./fleet-view.ts";

export const listNodes = adminEndpoint(
  "list-nodes",
  "GET",
  "/admin/nodes",
  "List the nodes of the fleet",
  async (context) => context.json({ nodes: await readFleet(context.env) }),
);
