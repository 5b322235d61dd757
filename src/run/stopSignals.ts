/** Asks to end that come from outside. Imports nothing: it listens before the rest of a run's child is loaded. */

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** From now on these signals end nothing by themselves; the first one aborts. */
export function hearStopSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of SIGNALS) process.on(name, () => { stop.abort(); });
  return stop.signal;
}
