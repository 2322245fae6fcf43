import { type Mailbox, mailbox } from './mailbox.ts';

/** A result of a stream, and what its reader has to know about the ones before it. */
export type StreamEvent<Result> = {
  result: Result;
  /** The stream broke before this event and was opened again: something may have been missed in between. */
  resumed: boolean;
  /** How many events before this one were dropped, because the reader was too slow. */
  skipped: number;
};

/** Occurrences that may wait for a slow reader; a state replaces the one before it. */
const OCCURRENCES_MAX = 1_000;

/**
 * Holds events for a reader who takes his time.
 *
 * @param state whether an event makes the one before it worthless, so that a slow reader gets the newest alone.
 * @param onReturn called once, at once, when the reader is done.
 */
export function eventBuffer<Result>(options: { state: boolean; onReturn(): void }): Mailbox<StreamEvent<Result>> {
  const { state, onReturn } = options;
  return mailbox({
    capacity: state ? 1 : OCCURRENCES_MAX,
    fold: (older, newer) => ({
      result: newer.result,
      resumed: older.resumed || newer.resumed,
      skipped: state ? 0 : older.skipped + 1 + newer.skipped,
    }),
    onReturn,
  });
}
