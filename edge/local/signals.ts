const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a constructor and takes back the signal handlers that it added. Miniflare kills workerd and calls
 * `process.exit` in the same tick as a signal comes; a stopping node would then have no edge left to report to.
 * Its `exit` handler stays: that one only ends workerd when the process ends anyway.
 */
export function keepForeignSignalsOut<T>(construct: () => T): T {
  const before = new Map(SIGNALS.map((signal) => [signal, new Set(process.listeners(signal))]));
  const result = construct();
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) {
      if (!before.get(signal)?.has(listener)) process.removeListener(signal, listener);
    }
  }
  return result;
}

/**
 * Calls `stop` at the first SIGINT or SIGTERM and ends the process at the second, children and all: they are tied to
 * its life. Answers a function that stops listening.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): () => void {
  let stopping = false;
  const handle = (signal: NodeJS.Signals) => {
    if (stopping) process.kill(process.pid, "SIGKILL");
    stopping = true;
    stop(signal);
  };
  process.on("SIGINT", handle);
  process.on("SIGTERM", handle);
  process.on("SIGHUP", handle);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, handle);
  };
}
