/** Clients of the jobs API: they create and cancel, repeat what was not answered, and believe only what was acknowledged. */
import { getJob } from "../../../edge/partition/move.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import { type JobWish, newJob } from "../fixtures.ts";
import type { Host } from "./host.ts";
import { call } from "./network.ts";
import type { World } from "./world.ts";

const CREATE_TRIES = 3;
const HOSTS = ["one.example", "two.example", "three.example"];

export class Clients {
  readonly #world: World;
  readonly #host: Host;
  /** Jobs that a client has a 201 for. */
  readonly acknowledged = new Set<string>();

  constructor(world: World, host: Host) {
    this.#world = world;
    this.#host = host;
  }

  create(): void {
    const { random, now, accounts, timeline } = this.#world;
    const account = random.pick(accounts);
    const wish: JobWish = {
      created_at: now,
      priority: random.chance(0.2) ? random.below(5) - 2 : 0,
      tags: random.chance(0.1) ? ["region=eu"] : [],
      source_host: random.pick(HOSTS),
      filename: random.chance(0.2) ? "Named" : null,
      sealed: random.chance(0.2) ? "ciphertext" : null,
      options: {
        download_thumbnail: random.chance(0.25),
        wait_for_video: random.chance(0.1),
        live_recording: random.chance(0.05),
        max_duration: 60,
        format: random.chance(0.2) ? "mkv" : "mp4",
      },
    };
    const job = newJob(random.uuid(now), account.id, wish);
    // A repeat is safe because the partition remembers for 24 h what it made; a wipe takes that memory along.
    const { wipes } = this.#host;
    const send = (tries: number): void =>
      call<"created" | "unavailable">(
        this.#world,
        (reply) =>
          this.#host.handle(
            () => {
              if (this.#host.wipes !== wipes) return reply("unavailable");
              const result = this.#host.turn((turn) => this.#world.api.createJobs(turn, account, [job]));
              if (result.kind === "full") return reply("unavailable");
              const last = Math.max(...result.events);
              this.#host.drains.passed(last, (passed) => reply(passed ? "created" : "unavailable"));
            },
            () => reply(null),
          ),
        (answer) => {
          if (answer === "created") this.#created(account.id, job.id);
          else if (tries > 1) timeline.in(random.ms(100, 5_000), () => send(tries - 1));
        },
      );
    send(CREATE_TRIES);
  }

  #created(account: string, job: string): void {
    const { random, timeline } = this.#world;
    this.acknowledged.add(job);
    this.#world.note(`create of ${job} acknowledged`);
    if (random.chance(0.25)) timeline.in(random.ms(0, 120_000), () => this.#cancel(account, job));
  }

  #cancel(account: string, job: string): void {
    const force = this.#world.random.chance(0.5);
    call<boolean>(
      this.#world,
      (reply) =>
        this.#host.handle(
          () => {
            const before = this.#host.turn((turn) => getJob(turn, job)?.state);
            const result = this.#host.turn((turn) => this.#world.api.cancelJob(turn, account, job, force));
            this.#world.note(`cancel of ${job} (${before}): ${result.kind}`);
            if (result.kind !== "cancelled") return reply(false);
            if (before === undefined || isTerminal(before)) throw new Error(`cancelled what was ${before}`);
            this.#host.drains.passed(result.event, (passed) => {
              // The client hears of it, or not; the edge has said it.
              this.#world.note(`cancel of ${job} passed: ${passed}`);
              if (passed) this.#host.watcher.cancelAcknowledged(job);
              reply(passed);
            });
          },
          () => reply(null),
        ),
      () => {},
    );
  }
}
