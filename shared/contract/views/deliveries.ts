/** The delivery log (jobs API 8.4). */
import { z } from "zod";
import { choice, EXAMPLE_DELIVERY, EXAMPLE_JOB, id, list, millis, orNull, text, whole } from "./fields.ts";

const Delivery = z
  .object({
    id: id("Id of the delivery; header `webhook-id` of every try"),
    type: text("Type of the body, as `job_completed`"),
    job_id: orNull(id("Job that it tells of")),
    batch_id: orNull(id("Batch that it tells of")),
    url: text("Receiver"),
    status: choice(["pending", "delivered", "failed"], "`pending` while tries are left"),
    attempts: whole("Tries so far"),
    last_status_code: orNull(whole("Status of the last answer")),
    last_error: orNull(text("Last error, as `HTTP 500` or `timeout`")),
    response_time_ms: orNull(whole("Milliseconds until the last answer")),
    next_attempt_at: orNull(millis("When the next try is due")),
    created_at: millis("When the event happened"),
    finished_at: orNull(millis("When the last try ended")),
  })
  .meta({ id: "Delivery", description: "One webhook and how it fares. Its body is not shown." });

export const DeliveryList = z
  .object({
    webhooks: list(Delivery, "Newest first, of the last 30 days"),
    limit: whole("Page size in force"),
    next_cursor: orNull(text("Where the next page begins; null on the last one")),
  })
  .meta({
    id: "DeliveryList",
    description: "A page of the delivery log.",
    examples: [
      {
        webhooks: [
          {
            id: EXAMPLE_DELIVERY,
            type: "job_completed",
            job_id: EXAMPLE_JOB,
            batch_id: null,
            url: "https://hooks.example.com/in",
            status: "pending",
            attempts: 1,
            last_status_code: 500,
            last_error: "HTTP 500",
            response_time_ms: 84,
            next_attempt_at: 1_796_119_214_100,
            created_at: 1_796_119_209_000,
            finished_at: null,
          },
        ],
        limit: 20,
        next_cursor: null,
      },
    ],
  });

export const Redelivered = z
  .object({
    id: id("Id of the delivery"),
    status: z.literal("pending").describe("Always `pending`"),
    message: text("For a human"),
  })
  .meta({
    id: "Redelivered",
    description: "One try at once, with the stored bytes and the same `webhook-id`.",
    examples: [{ id: EXAMPLE_DELIVERY, status: "pending", message: "Webhook delivery queued" }],
  });
