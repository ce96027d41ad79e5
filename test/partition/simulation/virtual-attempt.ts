/** One attempt on a node: confirm, look, download, upload, complete; or one of the many other ways it can end. */
import { FAILURE_CLASSES, FAILURE_RULES, type FailureClass } from "../../../shared/contract/failures.ts";
import type { LeasedJob, SlotClass } from "../../../shared/contract/fleet.ts";
import type { FileKind, Manifest } from "../../../shared/contract/media.ts";
import { type FileWish, info, manifest } from "../fixtures.ts";
import type { Answer } from "./desk.ts";
import type { VirtualNode } from "./virtual-node.ts";

const TRIES = 12;
/** Few enough that names collide. */
const TITLES = ["One", "one", "Two", "Three"];
/** What a node reports; the others are the edge's own. */
const REPORTED = FAILURE_CLASSES.filter((each) => each !== "lost" && each !== "cancelled" && each !== "quota");

/** Those that say something of the node: who comes next is another one, sooner or later. */
const NODES_OWN = REPORTED.filter((each) => FAILURE_RULES[each].next !== "any");

type Plan = "deliver" | "hang" | "release" | "list" | FailureClass;

export class VirtualAttempt {
  readonly job: string;
  readonly token: string;
  /** What it takes of its node. */
  slot: SlotClass;
  readonly #node: VirtualNode;
  readonly #leased: LeasedJob;
  readonly #plan: Plan;

  constructor(node: VirtualNode, leased: LeasedJob) {
    this.#node = node;
    this.#leased = leased;
    this.job = leased.job;
    this.token = leased.token;
    this.slot = leased.slot ?? "download";
    this.#plan = this.#drawPlan();
  }

  #drawPlan(): Plan {
    const { random, weather } = this.#node.world;
    if (random.chance(weather.attemptFails)) {
      if (this.#leased.options.wait_for_video && random.chance(0.7)) return "not_begun";
      if (random.chance(0.1)) return "list";
      return random.pick(random.chance(0.4) ? NODES_OWN : REPORTED);
    }
    if (random.chance(0.1)) return "list";
    if (random.chance(weather.attemptHangs)) return "hang";
    return random.chance(weather.attemptReleases) ? "release" : "deliver";
  }

  /** The source is touched only after the confirm was answered. */
  begin(): void {
    const { random } = this.#node.world;
    if (random.chance(0.03)) {
      if (random.chance(0.5)) this.#fail("network");
      else this.release();
      return;
    }
    this.#report(
      (desk, who) => desk.confirm(who, this.job, this.token),
      () => this.#after(200, 6_000, () => this.#look()),
      4,
    );
  }

  #look(): void {
    const { random } = this.#node.world;
    if (this.#plan === "hang") return;
    if (this.#plan === "release" && random.chance(0.3)) {
      this.release();
      return;
    }
    const early = this.#plan !== "deliver" && this.#plan !== "release" && this.#plan !== "list" && random.chance(0.5);
    if (early) {
      this.#fail();
      return;
    }
    const isLive = random.chance(0.15);
    const found = {
      title: random.pick(TITLES),
      size_estimate: 10,
      is_live: isLive,
      duration_seconds: random.chance(0.1) ? random.pick([100, 101, null]) : 10,
    };
    this.#report(
      (desk, who) => desk.extracted(who, this.job, this.token, this.#plan === "list" ? "list" : info(found)),
      (decision) => {
        if (decision !== "go") this.#node.drop(this);
        else if (isLive && this.slot === "download" && this.#node.freeSlots().live === 0) this.release();
        else {
          if (isLive) this.slot = "live";
          this.#download();
        }
      },
    );
  }

  #download(): void {
    const { world, desk } = this.#node;
    for (const [share, step] of [
      [0.1, "download"],
      [0.6, "mux"],
    ] as const) {
      this.#after(0, 20_000 * share, () => {
        this.#node.insist(
          2,
          (who) => desk.step(who, this.job, this.token, step),
          () => {},
        );
        const progress = { job: this.job, token: this.token, step, fraction: 0.5, eta_seconds: 1 };
        const { who } = this.#node;
        const arrive = () => desk.progress(who, [{ ...progress, speed_bytes_per_second: 1 }]);
        world.timeline.in(world.random.ms(0, 30_000), () => this.#node.host.handle(arrive, () => {}));
      });
    }
    this.#after(1_000, world.random.chance(0.05) ? 400_000 : 30_000, () => {
      if (this.#plan === "release") return this.release();
      if (this.#plan !== "deliver") return this.#fail();
      this.#upload(this.#leased.options.download_thumbnail ? ["media", "thumbnail"] : ["media"], []);
    });
  }

  #upload(kinds: FileKind[], files: FileWish[]): void {
    const kind = kinds[files.length];
    if (kind === undefined) {
      this.#complete(files);
      return;
    }
    this.#ticket(kind, TRIES, (uploadId) => {
      this.#after(100, 5_000, () => {
        const size = this.#node.world.random.ms(1, 1_000);
        if (!this.#node.world.store.put(uploadId, size)) return this.#fail("storage");
        this.#upload(kinds, [...files, { uploadId, kind, size }]);
      });
    });
  }

  #ticket(kind: FileKind, tries: number, done: (uploadId: string) => void): void {
    const { desk } = this.#node;
    this.#node.ask<Answer<{ uploadId: string }>>(
      (who, reply) => desk.ticket(who, this.job, this.token, kind, reply),
      (answer) => {
        if (!this.#node.holds(this)) return;
        if (answer === null) {
          if (tries <= 1) this.#fail("storage");
          else this.#after(100, 3_000, () => this.#ticket(kind, tries - 1, done));
        } else if ("refused" in answer) this.#refused(answer.refused);
        else done(answer.ok.uploadId);
      },
    );
  }

  #complete(files: FileWish[]): void {
    const { random } = this.#node.world;
    if (random.chance(0.1)) {
      const spoilt = this.#spoilt(files);
      const tell = () => this.#node.desk.complete(this.#node.who, this.job, this.token, spoilt, true);
      this.#node.host.handle(tell, () => {});
    }
    this.#report(
      (desk, who) => desk.complete(who, this.job, this.token, manifest(files), false),
      () => this.#node.drop(this),
    );
  }

  /** Says one thing that is not so. */
  #spoilt(files: readonly FileWish[]): Manifest {
    const { random, store } = this.#node.world;
    const right = manifest(files);
    const [media, ...others] = right.files;
    if (media === undefined) return right;
    const foreign = random.pick(
      [...store.noted].filter((id) => files.every((file) => file.uploadId !== id)).concat("u0"),
    );
    const wrong: Manifest["files"] = random.pick([
      [...right.files, media],
      right.files.map((file) => ({ ...file, kind: file.kind === "media" ? "thumbnail" : "media" })),
      [{ ...media, size: media.size + 1 }, ...others],
      [{ ...media, language: "en" }, ...others],
      [{ ...media, upload_id: foreign }, ...others],
      others,
    ]);
    return { ...right, files: wrong };
  }

  #fail(failure: FailureClass = REPORTED.find((each) => each === this.#plan) ?? "network"): void {
    const { random } = this.#node.world;
    const report = {
      class: failure,
      message: null,
      permanent: failure !== "not_begun" && random.chance(0.15),
      retryAfterMs: failure === "rate" && random.chance(0.5) ? random.ms(0, 120_000) : null,
      startsInMs: failure === "not_begun" && random.chance(0.5) ? random.ms(0, 20 * 60_000) : null,
    };
    this.#report(
      (desk, who) => desk.fail(who, this.job, this.token, report),
      () => this.#node.drop(this),
    );
  }

  release(): void {
    this.#report(
      (desk, who) => desk.release(who, this.job, this.token),
      () => this.#node.drop(this),
    );
  }

  #report<T>(
    serve: (desk: VirtualNode["desk"], who: VirtualNode["who"]) => Answer<T>,
    done: (answer: T) => void,
    tries = TRIES,
  ): void {
    const { desk } = this.#node;
    this.#node.insist<T>(
      tries,
      (who) => serve(desk, who),
      (answer) => {
        if (!this.#node.holds(this)) return;
        if (answer === null) this.#node.drop(this);
        else if ("refused" in answer) this.#refused(answer.refused);
        else done(answer.ok);
      },
    );
  }

  #refused(why: string): void {
    this.#node.drop(this);
    if (why === "session_fenced") this.#node.fenced();
  }

  #after(fromMs: number, toMs: number, run: () => void): void {
    this.#node.later(this.#node.world.random.ms(fromMs, toMs), () => {
      if (this.#node.holds(this)) run();
    });
  }
}
