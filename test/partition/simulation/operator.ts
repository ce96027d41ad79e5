/** The operator of the fleet: drains nodes and lets them go on, and looks every so often after those in quarantine. */
import { STANDING_COLUMNS, type StandingRow, toStanding } from "../../../edge/db/node-faults.ts";
import { resumeNode } from "../../../edge/partition/node-faults.ts";
import type { Host } from "./host.ts";
import type { World } from "./world.ts";

const LOOKS_EVERY_MS = 5 * 60_000;
const REPEATS_AFTER_MS = 3_000;

export class Operator {
  readonly #world: World;
  readonly #host: Host;
  readonly #nodes: readonly string[];

  /** D1 has all nodes, as their registration left them. */
  constructor(world: World, host: Host, nodes: readonly string[]) {
    this.#world = world;
    this.#host = host;
    this.#nodes = nodes;
    for (const node of nodes) {
      world.d1.sql.run(
        "INSERT INTO nodes (id, name, public_key, enrolment_id, created_at) VALUES (?1, ?1, ?1, '', 0)",
        node,
      );
    }
  }

  /** One node gets nothing new for a while. */
  drain(): void {
    const { random, timeline } = this.#world;
    const node = random.pick(this.#nodes);
    this.#order(node, true);
    timeline.in(random.ms(10_000, 4 * 60_000), () => this.#order(node, false));
  }

  /** D1 first, then the partition, until that has heard. Whichever was said last counts. */
  #order(node: string, drained: boolean): void {
    const { d1 } = this.#world;
    const row = d1.sql.get<StandingRow>(
      `UPDATE nodes SET drained_at = ?, standing = standing + 1 WHERE id = ? RETURNING ${STANDING_COLUMNS}`,
      drained ? this.#world.now : null,
      node,
    );
    if (row !== undefined) this.#tell(row);
  }

  #tell(row: StandingRow): void {
    const { api, timeline } = this.#world;
    this.#host.handle(
      () => {
        this.#world.note(`${row.id} is ${row.drained_at === null ? "resumed" : "drained"}`);
        this.#host.turn((turn) => api.takeStanding(turn, toStanding(row)));
        this.#host.watcher.fleet.ordered(row.id, row.standing, row.drained_at !== null);
      },
      () => timeline.in(REPEATS_AFTER_MS, () => this.#tell(row)),
    );
  }

  /** In calm times too: whatever is in quarantine is resumed. */
  attend(): void {
    this.#world.timeline.in(LOOKS_EVERY_MS, () => {
      this.#host.handle(
        () => this.#resumeAll(),
        () => {},
      );
      this.attend();
    });
  }

  #resumeAll(): void {
    this.#host.turn((turn) => {
      const orders = "SELECT node_id FROM node_orders WHERE quarantine IS NOT NULL AND drained = 0";
      for (const { node_id } of turn.sql.all<{ node_id: string }>(orders)) {
        this.#world.note(`${node_id} leaves its quarantine`);
        resumeNode(turn, node_id);
      }
    });
  }
}
