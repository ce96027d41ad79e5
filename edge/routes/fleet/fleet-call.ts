/** What all calls of the fleet protocol share: who is calling, what the body is, what a refusal looks like. */
import { z } from "zod";
import { FLEET_BASE, type FleetErrorCode } from "../../../shared/contract/fleet.ts";
import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { bearerToken } from "../../auth/authenticate.ts";
import { configuredPartitions } from "../../auth/choose-partition.ts";
import { signerOf } from "../../auth/signing.ts";
import { isBorn } from "../../db/partitions.ts";
import type { Env } from "../../env.ts";
import { errorText, makeLog, traceField } from "../../log.ts";
import type { Refusal } from "../../partition/node-desk.ts";
import type { Partition } from "../../partition/partition.ts";
import type { NodeIdentity } from "../../partition/sessions.ts";
import type { Endpoint } from "../endpoint.ts";
import { type AppContext, readJsonObject } from "../http.ts";
import { partitionStub } from "../jobs/job-access.ts";
import { requestOrigin } from "../origin.ts";

/** Seconds after which a node may come back to a partition that is being opened. */
const RETRY_SECONDS = 2;

const FLEET_STATUS: Record<
  FleetErrorCode,
  "conflict" | "unauthenticated" | "forbidden" | "unavailable" | "invalid" | "not_found" | "gone"
> = {
  lease_lost: "conflict",
  session_fenced: "conflict",
  session_expired: "unauthenticated",
  node_revoked: "forbidden",
  enrolment_invalid: "forbidden",
  bad_request: "invalid",
  rebuilding: "unavailable",
  unavailable: "unavailable",
  not_found: "not_found",
  call_over: "gone",
};

export function fleetError(reason: FleetErrorCode, message: string): AppError {
  const headers = FLEET_STATUS[reason] === "unavailable" ? { "Retry-After": String(RETRY_SECONDS) } : undefined;
  return new AppError(FLEET_STATUS[reason], message, headers === undefined ? { reason } : { reason, headers });
}

/** `{"error": <code>, "message": text}`. */
export function fleetErrorResponse(error: AppError): Response {
  const reason = error.extras.reason ?? plainReason(error.status);
  const headers = {
    ...(error.status >= 500 ? { "Retry-After": String(RETRY_SECONDS) } : {}),
    ...error.extras.headers,
  };
  return Response.json({ error: reason, message: error.message }, { status: error.status, headers });
}

/** A fault of ours is worth a repeat: a node that read `bad_request` would give its attempt up. */
function plainReason(status: number): FleetErrorCode {
  if (status >= 500) return "unavailable";
  return status === 404 || status === 405 ? "not_found" : "bad_request";
}

/** The claims inside a session key. */
export const SessionClaims = z.object({
  node: z.uuid(),
  session: z.int().positive(),
  name: z.string(),
  tags: z.array(z.string()),
  country: z.string().nullable(),
  account: z.uuid().nullable(),
  /** Its tools are too old: no work until a session is opened with newer ones. Keys made before this have no such claim. */
  quiet: z.literal(true).optional(),
  expires: z.int(),
});

/** Verifies the session key; no store is asked. The partition fences by the session number inside. */
export async function nodeIdentity(context: AppContext): Promise<NodeIdentity> {
  const key = bearerToken(context.req.raw.headers);
  const claims = SessionClaims.safeParse(key === null ? null : await signerOf(context.env).open("session-key", key));
  if (!claims.success || claims.data.expires <= Date.now()) throw fleetError("session_expired", "Open a session first");
  const { expires: _, ...who } = claims.data;
  return who;
}

export async function parseFleet<Schema extends z.ZodType>(
  schema: Schema,
  request: Request,
  maxBytes?: number,
): Promise<z.output<Schema>> {
  // Nulls are meaningful in this protocol, so the body is parsed as it came.
  const result = schema.safeParse(
    await readJsonObject(request, { keepNulls: true, ...(maxBytes === undefined ? {} : { maxBytes }) }),
  );
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw fleetError("bad_request", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "bad request"}`);
}

/** Asks the partition that the path names, on behalf of the node. */
export async function askDesk<Answer>(
  context: AppContext,
  ask: (stub: DurableObjectStub<Partition>) => Promise<Answer>,
): Promise<Exclude<Answer, { refused: unknown }>> {
  const name = context.req.param("partition") ?? "";
  // Asking for an object makes it: a node may not give birth to partitions.
  if (!(await partitionExists(context.env, name))) throw fleetError("not_found", "No such partition");
  let answer: Answer;
  try {
    answer = await ask(partitionStub(context.env, name));
  } catch (error) {
    makeLog(context.env)("warn", "fleet.call_failed", {
      partition: name,
      job: context.req.param("id") ?? null,
      ...traceField(context.req.header("traceparent")),
      error: errorText(error),
    });
    throw fleetError("rebuilding", "The partition is starting, try again");
  }
  if (isRefusal(answer)) throw fleetError(answer.refused, answer.message);
  return answer as Exclude<Answer, { refused: unknown }>;
}

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === "object" && answer !== null && "refused" in answer;
}

async function partitionExists(env: Env, name: string): Promise<boolean> {
  return configuredPartitions(env).includes(name) || isBorn(env.DB, name);
}

export function fleetJobId(context: AppContext): string {
  const id = context.req.param("id") ?? "";
  if (!isUuid(id)) throw fleetError("not_found", "No such job");
  return id;
}

/** Where the node reached the edge, through a trusted proxy too: base of part URLs that pass through it. */
export function nodeOrigin(context: AppContext): string {
  return requestOrigin(context.req.raw, context.env);
}

export const PARTITION_PATH = `${FLEET_BASE}/partitions/:partition`;
export const JOB_PATH = `${PARTITION_PATH}/jobs/:id`;

/** An endpoint of the fleet protocol: the session key takes the place of an API key. */
export function fleetEndpoint(
  operationId: string,
  method: Endpoint["method"],
  path: string,
  summary: string,
  handler: Endpoint["handler"],
): Endpoint {
  return { operationId, method, path, summary, scope: null, handler };
}
