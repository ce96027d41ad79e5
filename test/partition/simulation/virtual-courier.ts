/** The courier as partitions see it: it takes each notice once, and knows for good which ones it has. */
import type { Notice } from "../../../edge/courier/notice.ts";

export class VirtualCourier {
  /** In the order of their acceptance. */
  readonly accepted = new Map<string, Notice>();

  accept(notices: readonly Notice[]): void {
    for (const notice of notices) if (!this.accepted.has(notice.id)) this.accepted.set(notice.id, notice);
  }
}
