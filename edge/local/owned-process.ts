import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { chmod } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { writePrivate } from "./write-private.ts";

/** Environment names that the wrapper script reads. */
export const HOST_PID_VAR = "TRAWL_HOST_PID";
export const PID_FILE_VAR = "TRAWL_PID_FILE";

/**
 * Ends the process if its parent died before the death signal was armed: between fork and prctl(2) nothing would tell.
 * `$PPID` is read when this shell starts, and that is after `setpriv`.
 */
const ORPHAN_CHECK = `[ "$PPID" = "$${HOST_PID_VAR}" ] || exit 70`;

/** Whether this machine can tie a child's life to ours: Linux with util-linux. Elsewhere the next start cleans up. */
export function canOwnProcesses(path: string = process.env.PATH ?? ""): boolean {
  const has = (tool: string) => path.split(delimiter).some((folder) => isExecutable(join(folder, tool)));
  return process.platform === "linux" && has("setpriv") && has("setsid");
}

/**
 * Writes the script that Miniflare starts in place of workerd (`MINIFLARE_WORKERD_PATH`). Every step is an `exec`, so
 * the pid that Miniflare knows is workerd's. It
 * - makes the kernel kill workerd when the host dies: without that, kill -9 of the host leaves workerd serving;
 * - leaves the terminal's process group: Ctrl-C is for the host, which stops the node before workerd;
 * - records pid and start time before workerd can open a database, so that no leftover is ever unknown.
 *
 * `PR_SET_PDEATHSIG` fires when the parent *thread* ends; Miniflare spawns from the main thread, which lives as long as
 * the process.
 */
export async function writeWorkerdWrapper(path: string, workerd: string, owned = canOwnProcesses()): Promise<void> {
  const tie = owned ? "exec setsid setpriv --pdeathsig KILL -- /bin/sh -c '" : "exec /bin/sh -c '";
  const record = owned
    ? `${ORPHAN_CHECK}
read -r stat < /proc/$$/stat
start() { shift 21; echo "$1"; }
printf "%s %s\\n" "$$" "$(start $stat)" > "$${PID_FILE_VAR}.new" && mv "$${PID_FILE_VAR}.new" "$${PID_FILE_VAR}"`
    : `echo "$$" > "$${PID_FILE_VAR}"`;
  await writePrivate(path, `#!/bin/sh\n${tie}\n${record}\nexec "$@"' workerd ${shellWord(workerd)} "$@"\n`, 0o700);
  await chmod(path, 0o700);
}

/** Starts a child that dies with this process and is not reached by the terminal's Ctrl-C. */
export function spawnOwned(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  owned = canOwnProcesses(),
): ChildProcess {
  const tied = ["--pdeathsig", "KILL", "--", "/bin/sh", "-c", `${ORPHAN_CHECK}; exec "$@"`, "sh", command, ...args];
  return spawn(owned ? "setpriv" : command, owned ? tied : args, {
    env: { ...env, [HOST_PID_VAR]: String(process.pid) },
    // stdout is the host's own answer channel; a child's stray line there would break `--json`.
    stdio: ["ignore", process.stderr, process.stderr],
    detached: true,
  });
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
