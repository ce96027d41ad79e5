import { askDesk, fleetEndpoint, fleetError, nodeIdentity, PARTITION_PATH } from "./fleet-call.ts";

export const openSocket = fleetEndpoint(
  "open-socket",
  "GET",
  `${PARTITION_PATH}/socket`,
  "Open the socket for hints and progress",
  async (context) => {
    const who = await nodeIdentity(context);
    if (context.req.header("upgrade")?.toLowerCase() !== "websocket") {
      throw fleetError("bad_request", "This path wants a WebSocket upgrade");
    }
    const headers = { upgrade: "websocket", "x-trawl-node": JSON.stringify(who) };
    const answer = await askDesk(context, async (stub) => stub.fetch("https://partition/socket", { headers }));
    if (answer.status === 403) throw fleetError("node_revoked", "The operator has removed this node");
    if (answer.status === 409) throw fleetError("session_fenced", "A newer session of this node exists");
    return answer;
  },
);
