import { TicketRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, fleetJobId, JOB_PATH, nodeIdentity, nodeOrigin, parseFleet } from "./fleet-call.ts";

export const requestTicket = fleetEndpoint(
  "request-ticket",
  "POST",
  `${JOB_PATH}/ticket`,
  "Ask for part URLs of one file",
  async (context) => {
    const who = await nodeIdentity(context);
    const id = fleetJobId(context);
    const body = await parseFleet(TicketRequest, context.req.raw);
    const origin = nodeOrigin(context);
    return context.json(await askDesk(context, async (stub) => stub.nodeTicket(who, id, body, origin)));
  },
);
