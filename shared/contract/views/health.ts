/** Health of the edge. */
import { z } from "zod";
import { list, text } from "./fields.ts";

export const Health = z
  .object({ status: z.literal("ok").describe("Always `ok`"), version: text("Version of the server") })
  .meta({ id: "Health", description: "The edge answers.", examples: [{ status: "ok", version: "0.1.0" }] });

export const Ready = z
  .object({ status: z.literal("ready").describe("Always `ready`") })
  .meta({ id: "Ready", description: "Jobs can run now.", examples: [{ status: "ready" }] });

export const NotReady = z
  .object({
    status: z.literal("not ready").describe("Always `not ready`"),
    missing: list(z.string(), "What is missing"),
  })
  .meta({
    id: "NotReady",
    description: "Jobs cannot run now; they are accepted and wait.",
    examples: [{ status: "not ready", missing: ["no worker node is online"] }],
  });
