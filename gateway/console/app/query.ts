/** Hooks with which pages ask and watch. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, type Document } from './client.ts';
import { asFailure, type Failure, isPassing } from './failure.ts';
import { returns, watch } from './live.ts';

/** What a page has of an answer: data may be from before, beside what went wrong since. */
export type Query<Data> = {
  data: Data | undefined;
  failure: Failure | undefined;
  loading: boolean;
  /** Asks again; what is shown stays meanwhile. */
  reload(): void;
};

const AGAIN_AFTER_MS = 3_000;

type Asking = {
  /** Asks again this often, while the page is seen; for what has no subscription. */
  everyMs?: number;
};

/**
 * Asks when the page is shown and whenever the variables change; again when the connection came back, and every few seconds while
 * what fails may pass. Answers to other variables stay until the new ones are there.
 */
export function useQuery<Data, Variables>(
  document: Document<Data, Variables>,
  variables: Variables,
  { everyMs }: Asking = {},
): Query<Data> {
  const [state, setState] = useState<Omit<Query<Data>, 'reload'>>({
    data: undefined,
    failure: undefined,
    loading: true,
  });
  const [asked, setAsked] = useState(0);
  const key = JSON.stringify(variables);
  const comebacks = returns.value;

  useEffect(() => {
    const left = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    setState(before => ({ ...before, loading: true }));
    const askAgain = (afterMs: number) => {
      again = setTimeout(() => {
        if (window.document.visibilityState === 'visible') setAsked(times => times + 1);
        else askAgain(afterMs);
      }, afterMs);
    };
    ask(document, variables, left.signal).then(
      data => {
        setState({ data, failure: undefined, loading: false });
        if (everyMs) askAgain(everyMs);
      },
      thrown => {
        if (left.signal.aborted) return;
        const failure = asFailure(thrown);
        setState(before => ({ ...before, failure, loading: false }));
        if (isPassing(failure)) askAgain(AGAIN_AFTER_MS);
      },
    );
    return () => {
      left.abort();
      clearTimeout(again);
    };
  }, [document, key, asked, comebacks, everyMs]);

  return { ...state, reload: () => setAsked(times => times + 1) };
}

/**
 * Watches for as long as the page is shown.
 *
 * @param next told of every value; the newest function given is called.
 * @returns what ended it for good.
 */
export function useSubscription<Data, Variables extends Record<string, unknown>>(
  document: Document<Data, Variables>,
  variables: Variables,
  next: (data: Data) => void,
  { paused = false } = {},
): Failure | undefined {
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const newest = useRef(next);
  newest.current = next;
  const key = JSON.stringify(variables);
  useEffect(() => {
    setFailure(undefined);
    if (paused) return;
    return watch(document, variables, data => newest.current(data), setFailure);
  }, [document, key, paused]);
  return failure;
}
