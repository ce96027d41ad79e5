import { formatBytes, printable } from "./format.ts";
import { isTerminal, type JobState } from "./job.ts";

const BAR_WIDTH = 24;
/** Where there is no terminal, a line for each so many per cent. */
const LINE_EVERY_PERCENT = 10;

/** Where progress is drawn; `process.stderr` is one. */
export type Screen = { isTTY?: boolean; columns?: number; write(text: string): unknown };

/** Shows how several jobs go on: bars that move on a terminal, one line a step elsewhere. */
export type Progress = { update(label: string, state: JobState): void; done(): void };

/** @example const progress = createProgress(process.stderr); progress.update(job.id, job); progress.done(); */
export function createProgress(screen: Screen): Progress {
  return screen.isTTY ? bars(screen) : lines(screen);
}

/** `[##########--------------]  41.7% Downloading  15.0 MB/s  eta 9 s` */
export function progressLine(label: string, state: JobState): string {
  if (isTerminal(state.status)) {
    const why = state.error === null ? "" : `: ${printable(state.error)}`;
    return `${label} ${state.step === "Cancelled" ? "Cancelled" : state.status}${why}`;
  }
  const percent = state.progress === null ? "  live" : `${state.progress.toFixed(1).padStart(5)}%`;
  const filled = Math.round((BAR_WIDTH * (state.progress ?? 0)) / 100);
  const bar = `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}]`;
  const speed = state.speed_bytes_per_second ? `  ${formatBytes(state.speed_bytes_per_second)}/s` : "";
  const eta = state.eta_seconds === null ? "" : `  eta ${state.eta_seconds} s`;
  return `${label} ${bar} ${percent} ${state.step}${speed}${eta}`;
}

function bars(screen: Screen): Progress {
  const shown = new Map<string, string>();
  let drawn = 0;
  return {
    update(label, state) {
      shown.set(label, progressLine(label, state));
      const width = Math.max(20, (screen.columns ?? 80) - 1);
      const up = drawn === 0 ? "" : `\u001b[${drawn}A`;
      screen.write(up + [...shown.values()].map((line) => `\r\u001b[2K${line.slice(0, width)}\n`).join(""));
      drawn = shown.size;
    },
    done() {
      shown.clear();
      drawn = 0;
    },
  };
}

function lines(screen: Screen): Progress {
  const last = new Map<string, string>();
  return {
    update(label, state) {
      const stage = `${state.status} ${state.step} ${Math.floor((state.progress ?? 0) / LINE_EVERY_PERCENT)}`;
      if (last.get(label) === stage) return;
      last.set(label, stage);
      screen.write(`${progressLine(label, state)}\n`);
    },
    done() {},
  };
}
