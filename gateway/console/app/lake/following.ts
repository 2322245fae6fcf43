/** A list of events that goes on while one looks at it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { gql } from '../client.ts';
import type { Failure } from '../failure.ts';
import { watch } from '../live.ts';
import type { EventFilter } from './filter.ts';
import { newestOf, ROWS_MAX, resume, type Tail, tailOf, take } from './tail.ts';

/** An event as lists show it. */
export type EventRow = {
  id: string;
  type: string;
  source: string;
  subject: string | null;
  time: string;
  position: number;
  data: unknown;
};

export const STORED = gql<{ eventStored: EventRow }, { filter: EventFilter | null; after: number }>(/* GraphQL */ `
  subscription EventStored($filter: EventFilter, $after: Int) {
    eventStored(filter: $filter, after: $after) { id type source subject time position data }
  }
`);

/** What has come is shown so often at most: at a thousand events a second the page has time for its reader. */
const SHOWN_EVERY_MS = 250;

type Following = {
  tail: Tail<EventRow>;
  /** Events a second, of the last few seconds. */
  rate: number;
  /** What ended it for good. */
  failure: Failure | undefined;
};

/**
 * Follows a list from its newest event on, so that nothing falls between, over all losses of the connection.
 *
 * @param first newest first; only what it is in the beginning counts.
 * @param options.on whether it goes on at all.
 * @param options.paused counts what comes, and shows it when it is no longer so.
 */
export function useTail(
  first: readonly EventRow[],
  filter: EventFilter | null,
  { on, paused }: { on: boolean; paused: boolean },
): Following {
  const [tail, setTail] = useState(() => tailOf(first));
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const isPaused = useRef(paused);
  isPaused.current = paused;

  useEffect(() => {
    if (!on) return;
    // What a lost connection goes on with.
    const variables = { filter, after: newestOf(tail) };
    const batch = createBatch((rows, passed) =>
      setTail(before => take(before, rows, { paused: isPaused.current, passed })),
    );
    const end = watch(
      STORED,
      variables,
      ({ eventStored }, extensions) => {
        if (eventStored.position <= variables.after) return;
        variables.after = eventStored.position;
        const { skipped } = extensions ?? {};
        batch.add(eventStored, typeof skipped === 'number' ? skipped : 0);
      },
      setFailure,
    );
    return () => {
      end();
      batch.end();
    };
  }, [on]);

  useEffect(() => {
    if (!paused) setTail(resume);
  }, [paused]);

  return { tail, rate: useRate(tail.arrived), failure };
}

/** Gathers rows; of more than a list holds, the newest. */
function createBatch(show: (rows: EventRow[], passed: number) => void) {
  let rows: EventRow[] = [];
  let passed = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  function flush(): void {
    timer = undefined;
    const [gathered, before] = [rows.slice(-ROWS_MAX), passed + Math.max(0, rows.length - ROWS_MAX)];
    rows = [];
    passed = 0;
    show(gathered, before);
  }
  return {
    /** @param skipped how many the gateway left out right before it, since this page was too slow. */
    add(row: EventRow, skipped: number): void {
      if (skipped > 0 || rows.length >= 4 * ROWS_MAX) {
        passed += rows.length + skipped;
        rows = [];
      }
      rows.push(row);
      timer ??= setTimeout(flush, SHOWN_EVERY_MS);
    },
    end: () => clearTimeout(timer),
  };
}

const RATE_SECONDS = 5;

function useRate(count: number): number {
  const [rate, setRate] = useState(0);
  const now = useRef(count);
  now.current = count;
  useEffect(() => {
    const seen = [count];
    const timer = setInterval(() => {
      seen.push(now.current);
      if (seen.length > RATE_SECONDS + 1) seen.shift();
      setRate((now.current - (seen[0] ?? 0)) / (seen.length - 1));
    }, 1_000);
    return () => clearInterval(timer);
  }, []);
  return rate;
}
