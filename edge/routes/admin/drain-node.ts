import { AppError } from "../../app-error.ts";
import { toStanding } from "../../db/node-faults.ts";
import { drainNode as markDrained } from "../../db/nodes.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { tellAll } from "./ask-partitions.ts";
import { readNode } from "./fleet-view.ts";

export const drainNode = adminEndpoint(
  "drain-node",
  "POST",
  "/admin/nodes/:id/drain",
  "Let a node finish what it has and give it nothing new",
  async (context) => {
    const { env } = context;
    const node = await markDrained(env.DB, context.req.param("id") ?? "", Date.now());
    if (node === null) throw new AppError("not_found", "Node not found");
    const standing = toStanding(node);
    await tellAll(env, async (stub) => stub.adminSetDrained(node.id, true, standing));
    return context.json(await readNode(env, node));
  },
);
