/** A timer of more than 24.8 days would fire at once. */
const MAX_TIMER_MS = 86_400_000;

/** Runs `work` once the clock says `time`, never before it returns; null: never. Gives what cancels it. */
export function atTime(time: number | null, work: () => void): () => void {
  if (time === null) return () => {};
  let timer: ReturnType<typeof setTimeout>;
  const look = () => {
    if (Date.now() < time) wait();
    else work();
  };
  const wait = () => {
    timer = setTimeout(look, Math.min(Math.max(0, time - Date.now()), MAX_TIMER_MS));
  };
  wait();
  return () => clearTimeout(timer);
}
