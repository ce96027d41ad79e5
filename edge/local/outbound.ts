import { guardedOutbound, type Outbound } from "../../worker-node/egress/outbound.ts";

/**
 * What answers the Worker's own requests to the internet: the egress guard, under the operator's rules. Without it
 * workerd reaches every loopback spelling.
 *
 * @param ownPorts Ports of this stack, which no job may reach even where private addresses are allowed; may grow later.
 */
export function hostOutbound(env: NodeJS.ProcessEnv, ownPorts: ReadonlySet<number>): Outbound {
  return guardedOutbound({
    allowPrivate: env.TRAWL_ALLOW_PRIVATE === "1",
    allowHosts: (env.TRAWL_ALLOW_HOSTS ?? "").split(/[\s,]+/).filter((host) => host !== ""),
    ownPorts,
  });
}
