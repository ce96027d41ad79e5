import { ExtractedRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, fleetJobId, JOB_PATH, nodeIdentity, nodeOrigin, parseFleet } from "./fleet-call.ts";

export const reportExtracted = fleetEndpoint(
  "report-extracted",
  "POST",
  `${JOB_PATH}/extracted`,
  "Report what the look-up found, and hear whether to go on",
  async (context) => {
    const who = await nodeIdentity(context);
    const id = fleetJobId(context);
    const body = await parseFleet(ExtractedRequest, context.req.raw);
    const origin = nodeOrigin(context);
    return context.json(
      await askDesk(context, async (stub) => stub.nodeExtracted(who, id, body.token, body.result, origin)),
    );
  },
);
