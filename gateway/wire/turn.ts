/** What may wait for the end of a turn; then it is done, lest the first wait long for the last. */
const WAITING_MAX = 32;

let waiting: (() => void)[] = [];

/**
 * Does something at the end of this turn of the event loop, after all that had arrived was handled: for writing, which wakes whoever
 * reads. Written one by one between other work, every answer wakes a client who has gone to sleep since the one before,
 * and that costs more than all the rest of a small request.
 *
 * @param work must not throw.
 */
export function atEndOfTurn(work: () => void): void {
  waiting.push(work);
  if (waiting.length === 1) setImmediate(flush);
  if (waiting.length >= WAITING_MAX) flush();
}

function flush(): void {
  const ready = waiting;
  waiting = [];
  for (const work of ready) work();
}
