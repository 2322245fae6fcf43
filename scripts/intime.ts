import { systemClock } from '../events/clock.ts';

const ANSWERS_WITHIN_MS = 1_500;

/** What a part says of itself; undefined when it fails or does not answer in time, as when its server is frozen. */
export async function inTime<Value>(question: Promise<Value>): Promise<Value | undefined> {
  const late = new AbortController();
  const answer = question.catch(() => undefined);
  const value = await Promise.race([answer, systemClock.sleep(ANSWERS_WITHIN_MS, late.signal).then(() => undefined)]);
  late.abort();
  return value;
}
