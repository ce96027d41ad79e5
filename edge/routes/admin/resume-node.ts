import { AppError } from "../../app-error.ts";
import { toStanding } from "../../db/node-faults.ts";
import { resumeNode as markResumed } from "../../db/nodes.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { tellAll } from "./ask-partitions.ts";
import { readNode } from "./fleet-view.ts";

export const resumeNode = adminEndpoint(
  "resume-node",
  "POST",
  "/admin/nodes/:id/resume",
  "Give work again to a node that was drained or in quarantine",
  async (context) => {
    const { env } = context;
    const node = await markResumed(env.DB, context.req.param("id") ?? "", Date.now());
    if (node === null) throw new AppError("not_found", "Node not found");
    const standing = toStanding(node);
    await tellAll(env, async (stub) => stub.adminSetDrained(node.id, false, standing));
    return context.json(await readNode(env, node));
  },
);
