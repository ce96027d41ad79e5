import { AppError } from "../../app-error.ts";
import { removeNode as markRemoved } from "../../db/nodes.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { tellAll } from "./ask-partitions.ts";

/** D1 first, so that it gets no new session; then every partition, which ends the one it has. */
export const removeNode = adminEndpoint(
  "remove-node",
  "DELETE",
  "/admin/nodes/:id",
  "Revoke a node: its session ends, its leases return",
  async (context) => {
    const { env } = context;
    const id = context.req.param("id") ?? "";
    if (!(await markRemoved(env.DB, id, Date.now()))) throw new AppError("not_found", "Node not found");
    await tellAll(env, async (stub) => stub.adminRemoveNode(id));
    return context.json({ id, revoked: true });
  },
);
