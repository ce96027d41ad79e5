/** What we send to `webhook_url` (jobs API 8). */
import { NOTICES } from "../../shared/contract/views/notices.ts";
import type { Json, JsonSchemas } from "./schemas.ts";

const DETAILS =
  "Timeout 30 s, redirects are not followed, only 2xx counts; 410 ends the tries. Outcomes get 8 tries within 18 hours, " +
  "`progress` one. Receivers may see an event twice or out of order: `webhook-id` tells.";

const HEADERS: Record<string, string> = {
  "X-Tornado-Signature":
    'Form: `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of "<t>." and the raw body, keyed with the whole secret.',
  "webhook-id": "Id of the delivery: the same at every try.",
  "webhook-timestamp": "Unix seconds, equal to `t`.",
  "webhook-signature":
    'Form: `v1,<base64>`: HMAC-SHA256 of "<webhook-id>.<webhook-timestamp>." and the raw body, keyed with the bytes ' +
    "decoded from the base64 after `whsec_`.",
};

export function webhooks(outputs: JsonSchemas): Record<string, Json> {
  const parameters = Object.entries(HEADERS).map(([name, description]) => ({
    name,
    in: "header",
    required: true,
    description,
    schema: { type: "string" },
  }));
  return Object.fromEntries(
    Object.entries(NOTICES).map(([type, schema]) => {
      const { description, examples } = schema.meta() ?? {};
      const values = Array.isArray(examples) ? examples : [];
      const content = {
        "application/json": {
          schema: outputs.of.get(schema) ?? {},
          examples: Object.fromEntries(values.map((value, index) => [`example-${index + 1}`, { value }])),
        },
      };
      const post = {
        tags: ["Webhooks"],
        summary: description,
        description: DETAILS,
        parameters,
        requestBody: { required: true, content },
        responses: { "2XX": { description: "Taken." }, "410": { description: "Send it no more." } },
      };
      return [type, { post }];
    }),
  );
}
