import { DurableObject } from "cloudflare:workers";
import type { CallAnswer } from "../../shared/contract/calls.ts";
import type { Storage } from "../../shared/contract/storage.ts";
import { secretBoxOf } from "../auth/secret-box.ts";
import type { Env } from "../env.ts";
import { errorText, type Log, makeLog } from "../log.ts";
import { resealObject } from "../seals/object-tables.ts";
import type { SealPage } from "../seals/plan.ts";
import { within } from "../within.ts";
import { leasesRunAt, ONLINE } from "./absence.ts";
import type { AdminDesk } from "./admin-desk.ts";
import type { Calls } from "./calls.ts";
import type { ClientDesk } from "./client-desk.ts";
import { type AccountFacts, upsertAccount } from "./create.ts";
import { Engine } from "./engine.ts";
import type { StepCounts } from "./figures.ts";
import { storageOf } from "./job-stores.ts";
import type { NodeDesk } from "./node-desk.ts";
import { ordersFor } from "./node-orders.ts";
import { NodeSockets } from "./node-sockets.ts";
import { PasswordTries } from "./password-tries.ts";
import { RateBuckets, type RateState } from "./rate-buckets.ts";
import { type PublicEvent, resumeStream, type StreamScope } from "./resume.ts";
import { PARTITION_SEALS } from "./seals.ts";
import { enterSession, type NodeIdentity, takesNoWork } from "./sessions.ts";
import { MANAGED_TARGET } from "./targets.ts";

/** The route repeats nothing: it answers 503 with `Retry-After`. */
const REBUILDING = "partition is rebuilding";
/** How long a call waits for a partition that is being opened. */
const OPEN_WAIT_MS = 2_000;

/**
 * Owns the live jobs of some accounts: queue, leases, state, names, counters, events (DESIGN section 2). This class is
 * what others may call; what each call means stands with its desk, and what follows from it with the engine.
 */
export class Partition extends DurableObject<Env> {
  readonly #log: Log;
  readonly #sockets: NodeSockets;
  readonly #buckets = new RateBuckets();
  readonly #passwordTries = new PasswordTries();
  readonly #engine: Promise<Engine>;
  /** Once it is there: a call then needs neither a timer nor a race. */
  #opened: Engine | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#log = makeLog(env);
    this.#sockets = new NodeSockets(context);
    this.#engine = Engine.open({ context, env, sockets: this.#sockets, log: this.#log });
    // A failed opening is told to each caller; the object is then started anew by the platform.
    this.#engine.catch((error: unknown) => {
      this.#log("error", "partition.open_failed", { error: errorText(error) });
      context.abort(REBUILDING);
    });
  }

  /** The open partition, or an error that the route answers with 503. Marks the call as handled (late reaper rule). */
  async #ready(): Promise<Engine> {
    this.#opened ??= await within(OPEN_WAIT_MS, this.#engine, REBUILDING);
    this.#opened.presence.handled(Date.now());
    return this.#opened;
  }

  // --- clients

  /** One token from the key's bucket. Off (0): always allowed, without figures. A revoked key is refused at once. */
  async admit(keyId: string, ratePerSecond: number): Promise<RateState | "revoked" | null> {
    const { admin } = await this.#ready();
    if (admin.isRevoked(keyId)) return "revoked";
    return ratePerSecond === 0 ? null : this.#buckets.take(keyId, ratePerSecond, Date.now());
  }

  /** Before a password is checked: seconds to wait, or 0. It counts as a wrong one until it is taken back. */
  async beginPasswordTry(account: string): Promise<number> {
    await this.#ready();
    return this.#passwordTries.begin(account, Date.now());
  }
  async takeBackPasswordTry(account: string): Promise<void> {
    this.#passwordTries.takeBack(account);
  }

  // One method a client's call; what each means stands with the desk.

  async create(...args: Parameters<ClientDesk["create"]>) {
    return (await this.#ready()).clients.create(...args);
  }
  async hasRoom(...args: Parameters<ClientDesk["hasRoom"]>) {
    return (await this.#ready()).clients.hasRoom(...args);
  }
  async beginIdempotent(...args: Parameters<ClientDesk["beginIdempotent"]>) {
    return (await this.#ready()).clients.beginIdempotent(...args);
  }
  async freeKey(...args: Parameters<ClientDesk["freeKey"]>) {
    return (await this.#ready()).clients.freeKey(...args);
  }
  async cancelJob(...args: Parameters<ClientDesk["cancelJob"]>) {
    return (await this.#ready()).clients.cancelJob(...args);
  }
  async holdJobs(...args: Parameters<ClientDesk["holdJobs"]>) {
    return (await this.#ready()).clients.holdJobs(...args);
  }
  async startJobs(...args: Parameters<ClientDesk["startJobs"]>) {
    return (await this.#ready()).clients.startJobs(...args);
  }
  async cancelJobs(...args: Parameters<ClientDesk["cancelJobs"]>) {
    return (await this.#ready()).clients.cancelJobs(...args);
  }
  async startBatch(...args: Parameters<ClientDesk["startBatch"]>) {
    return (await this.#ready()).clients.startBatch(...args);
  }
  async renameBatchJobs(...args: Parameters<ClientDesk["renameBatchJobs"]>) {
    return (await this.#ready()).clients.renameBatchJobs(...args);
  }
  async cancelBatch(...args: Parameters<ClientDesk["cancelBatch"]>) {
    return (await this.#ready()).clients.cancelBatch(...args);
  }
  async setPaused(...args: Parameters<ClientDesk["setPaused"]>) {
    return (await this.#ready()).clients.setPaused(...args);
  }
  async readJob(...args: Parameters<ClientDesk["readJob"]>) {
    return (await this.#ready()).clients.readJob(...args);
  }
  async readProgress(...args: Parameters<ClientDesk["readProgress"]>) {
    return (await this.#ready()).clients.readProgress(...args);
  }
  async readBatch(...args: Parameters<ClientDesk["readBatch"]>) {
    return (await this.#ready()).clients.readBatch(...args);
  }
  async listBarrier(...args: Parameters<ClientDesk["listBarrier"]>) {
    return (await this.#ready()).clients.listBarrier(...args);
  }
  async forgetFiles(...args: Parameters<ClientDesk["forgetFiles"]>) {
    return (await this.#ready()).clients.forgetFiles(...args);
  }
  async claimNames(...args: Parameters<ClientDesk["claimNames"]>) {
    return (await this.#ready()).clients.claimNames(...args);
  }
  async dropClaims(...args: Parameters<ClientDesk["dropClaims"]>) {
    return (await this.#ready()).clients.dropClaims(...args);
  }
  async filesMoved(...args: Parameters<ClientDesk["filesMoved"]>) {
    return (await this.#ready()).clients.filesMoved(...args);
  }
  async filesErased(...args: Parameters<ClientDesk["filesErased"]>) {
    return (await this.#ready()).clients.filesErased(...args);
  }
  async totals(...args: Parameters<ClientDesk["totals"]>) {
    return (await this.#ready()).clients.totals(...args);
  }
  async stepCounts(): Promise<StepCounts> {
    return (await this.#ready()).core.figures.steps;
  }
  async usage(...args: Parameters<ClientDesk["usage"]>) {
    return (await this.#ready()).clients.usage(...args);
  }
  async readFile(...args: Parameters<ClientDesk["readFile"]>) {
    return (await this.#ready()).clients.readFile(...args);
  }

  /**
   * Called after a stream has subscribed: from now on the account's events are published. Returns the newest id, or what
   * was missed since `lastEventId`.
   */
  async openStream(
    account: AccountFacts,
    scope: StreamScope,
    lastEventId: number | null,
  ): Promise<{ newest: number; missed: PublicEvent[] | null }> {
    const { core, board, watch } = await this.#ready();
    const now = Date.now();
    core.run(now, Math.random, (turn) => {
      // The account may have no row yet: its stream may be the first that it does here.
      upsertAccount(turn, account);
      turn.sql.run("UPDATE accounts SET watched = watched + 1 WHERE id = ?", account.id);
    });
    if (scope.kind === "job") watch.read(scope.id, now);
    const deps = { sql: core.sql, board, epoch: core.epoch, now };
    const newest = core.ids.newest(now);
    // An id that was never given is no place to resume from: nothing would ever come after it.
    const resumes = lastEventId !== null && lastEventId <= newest;
    return { newest, missed: resumes ? resumeStream(deps, account.id, scope, lastEventId) : null };
  }

  /** Sessions whose lease runs and who take work. Also wakes the object: it looks after its own due work then. */
  async nodesOnline(): Promise<number> {
    const open = await this.#ready();
    await open.arm();
    const row = open.core.sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM sessions WHERE ${ONLINE}`,
      leasesRunAt(open.core.sql, Date.now()),
    );
    return row?.n ?? 0;
  }

  /** Asks a node a question for one of this partition's accounts; the Worker owns the deadline. */
  async call(...args: Parameters<Calls["ask"]>) {
    return (await this.#ready()).calls.ask(...args);
  }

  // --- nodes

  /** The node's socket. Only the Worker reaches this, and it has verified the session key. */
  override async fetch(request: Request): Promise<Response> {
    const open = await this.#ready();
    const who = JSON.parse(request.headers.get("x-trawl-node") ?? "null") as NodeIdentity | null;
    if (who === null || request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
    // The Worker words the refusal.
    if (ordersFor(open.core.sql, who.node).removed) return new Response(null, { status: 403 });
    // A fenced session must not close the socket of the one that fenced it.
    if (!open.core.run(Date.now(), Math.random, (turn) => enterSession(turn, who)).result) {
      return new Response(null, { status: 409 });
    }
    const response = this.#sockets.accept(who);
    // A ring tells a drained node that it is none any more.
    if (!takesNoWork(open.core.sql, who)) open.bell.welcome(who.node);
    return response;
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const open = await this.#ready();
    const who = this.#sockets.whose(socket);
    const frame = this.#sockets.parse(message);
    if (who !== null && frame?.type === "progress") open.desk.progress(who, frame.jobs);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    const who = this.#sockets.whose(socket);
    if (who !== null) (await this.#ready()).calls.nodeGone(who.node);
    socket.close();
  }

  // One method a call of the fleet protocol; what each means stands with the desk.

  async nodeHeartbeat(...args: Parameters<NodeDesk["heartbeat"]>) {
    return (await this.#ready()).desk.heartbeat(...args);
  }
  async nodeLease(...args: Parameters<NodeDesk["lease"]>) {
    return (await this.#ready()).desk.lease(...args);
  }
  async nodeConfirm(...args: Parameters<NodeDesk["confirm"]>) {
    return (await this.#ready()).desk.confirm(...args);
  }
  async nodeStep(...args: Parameters<NodeDesk["step"]>) {
    return (await this.#ready()).desk.step(...args);
  }
  async nodeRelease(...args: Parameters<NodeDesk["release"]>) {
    return (await this.#ready()).desk.release(...args);
  }
  async nodeFail(...args: Parameters<NodeDesk["fail"]>) {
    return (await this.#ready()).desk.fail(...args);
  }
  async nodeComplete(...args: Parameters<NodeDesk["complete"]>) {
    return (await this.#ready()).desk.complete(...args);
  }
  async nodeExtracted(...args: Parameters<NodeDesk["extracted"]>) {
    return (await this.#ready()).desk.extracted(...args);
  }
  async nodeAnswer(who: NodeIdentity, call: string, answer: CallAnswer): Promise<boolean> {
    return (await this.#ready()).calls.answer(who.node, call, answer);
  }
  /** For the Worker alone, which passes a part on: the storage to open (null: managed) and the key in it. */
  async relayedUpload(job: string, uploadId: string): Promise<{ storage: Storage | null; storeKey: string } | null> {
    const { desk, core } = await this.#ready();
    const upload = desk.relayedUpload(job, uploadId);
    if (upload === null) return null;
    const { store, storeKey } = upload;
    const storage = store.targetId === MANAGED_TARGET ? null : await storageOf(core.sql, this.env, store);
    return { storage, storeKey };
  }
  async nodeTicket(...args: Parameters<NodeDesk["ticket"]>) {
    return (await this.#ready()).desk.ticket(...args);
  }

  // --- the operator

  // One method a command of the admin API; what each means stands with the desk.

  async adminStats(...args: Parameters<AdminDesk["stats"]>) {
    return (await this.#ready()).admin.stats(...args);
  }
  async adminNodes(...args: Parameters<AdminDesk["nodes"]>) {
    return (await this.#ready()).admin.nodes(...args);
  }
  async adminSetDrained(...args: Parameters<AdminDesk["setDrained"]>) {
    return (await this.#ready()).admin.setDrained(...args);
  }
  async adminTakeStandings(...args: Parameters<AdminDesk["takeStandings"]>) {
    return (await this.#ready()).admin.takeStandings(...args);
  }
  /** Moves a page of its sealed records to the first key (`sweep/seals.ts`). */
  async adminReseal(cursor: string): Promise<SealPage> {
    const { core } = await this.#ready();
    return resealObject(core.sql, secretBoxOf(this.env), PARTITION_SEALS, cursor);
  }
  async adminRemoveNode(node: string) {
    const { admin, calls } = await this.#ready();
    // The kills go out first.
    const returned = admin.removeNode(node);
    this.#sockets.close(node, 4003, "the operator has removed this node");
    calls.nodeGone(node);
    return returned;
  }
  async adminRevokeKeys(...args: Parameters<AdminDesk["revokeKeys"]>) {
    return (await this.#ready()).admin.revokeKeys(...args);
  }
  async adminSetAccount(...args: Parameters<AdminDesk["setAccount"]>) {
    return (await this.#ready()).admin.setAccount(...args);
  }
  async adminCancelAccount(...args: Parameters<AdminDesk["cancelAccount"]>) {
    return (await this.#ready()).admin.cancelAccount(...args);
  }
  async adminForgetAccount(...args: Parameters<AdminDesk["forgetAccount"]>) {
    return (await this.#ready()).admin.forgetAccount(...args);
  }
  async adminForgetRecords(...args: Parameters<AdminDesk["forgetRecords"]>) {
    return (await this.#ready()).admin.forgetRecords(...args);
  }
  async adminJobProgress(...args: Parameters<AdminDesk["jobProgress"]>) {
    return (await this.#ready()).admin.jobProgress(...args);
  }

  // --- time

  override async alarm(): Promise<void> {
    const engine = await this.#engine.catch(() => null);
    await engine?.runDue();
  }
}
