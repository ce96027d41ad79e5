/** What all calls of the fleet protocol share: who is calling, what the body is, what a refusal looks like. */
import { z } from "zod";
import { FLEET_BASE, type FleetErrorCode } from "../../../shared/contract/fleet.ts";
import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { signerOf } from "../../auth/signing.ts";
import type { Refusal } from "../../partition/node-desk.ts";
import type { Partition } from "../../partition/partition.ts";
import type { NodeIdentity } from "../../partition/sessions.ts";
import type { Endpoint } from "../endpoint.ts";
import { type AppContext, readJsonObject } from "../http.ts";
import { partitionStub } from "../jobs/job-access.ts";

/** Seconds after which a node may come back to a partition that is being opened. */
const RETRY_SECONDS = 2;

export const FLEET_STATUS: Record<
  FleetErrorCode,
  "conflict" | "unauthenticated" | "forbidden" | "unavailable" | "invalid" | "not_found"
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
};

export function fleetError(reason: FleetErrorCode, message: string): AppError {
  const headers = FLEET_STATUS[reason] === "unavailable" ? { "Retry-After": String(RETRY_SECONDS) } : undefined;
  return new AppError(FLEET_STATUS[reason], message, headers === undefined ? { reason } : { reason, headers });
}

/** `{"error": <code>, "message": text}`. */
export function fleetErrorResponse(error: AppError): Response {
  const reason = error.extras.reason ?? (error.status === 404 || error.status === 405 ? "not_found" : "bad_request");
  const headers = { ...error.extras.headers };
  return Response.json({ error: reason, message: error.message }, { status: error.status, headers });
}

/** The claims inside a session key. */
export const SessionClaims = z.object({
  node: z.uuid(),
  session: z.int().positive(),
  name: z.string(),
  tags: z.array(z.string()),
  country: z.string().nullable(),
  account: z.uuid().nullable(),
  expires: z.int(),
});

/** Verifies the session key; no store is asked. The partition fences by the session number inside. */
export async function nodeIdentity(context: AppContext): Promise<NodeIdentity> {
  const key = /^Bearer +(\S+) *$/i.exec(context.req.header("authorization") ?? "")?.[1];
  const claims = SessionClaims.safeParse(
    key === undefined ? null : await signerOf(context.env).open("session-key", key),
  );
  if (!claims.success || claims.data.expires <= Date.now()) throw fleetError("session_expired", "Open a session first");
  const { expires: _, ...who } = claims.data;
  return who;
}

export async function parseFleet<Schema extends z.ZodType>(
  schema: Schema,
  request: Request,
): Promise<z.output<Schema>> {
  // Nulls are meaningful in this protocol, so the body is parsed as it came.
  const result = schema.safeParse(await readJsonObject(request, { keepNulls: true }));
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
  if (!/^p1:[a-z0-9-]{1,32}:\d{1,6}$/.test(name)) throw fleetError("not_found", "No such partition");
  let answer: Answer;
  try {
    answer = await ask(partitionStub(context.env, name));
  } catch (error) {
    console.log(JSON.stringify({ level: "warn", event: "fleet.call_failed", error: String(error).slice(0, 200) }));
    throw fleetError("rebuilding", "The partition is starting, try again");
  }
  if (isRefusal(answer)) throw fleetError(answer.refused, answer.message);
  return answer as Exclude<Answer, { refused: unknown }>;
}

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === "object" && answer !== null && "refused" in answer;
}

export function fleetJobId(context: AppContext): string {
  const id = context.req.param("id") ?? "";
  if (!isUuid(id)) throw fleetError("not_found", "No such job");
  return id;
}

/** Where the node reached the edge: base of part URLs that pass through it. */
export function nodeOrigin(context: AppContext): string {
  return new URL(context.req.url).origin;
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
