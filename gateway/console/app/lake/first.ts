import { useEffect, useState } from 'preact/hooks';
import { ask, type Document } from '../client.ts';
import { asFailure, type Failure, isPassing } from '../failure.ts';

/** An answer, with a number of its own and the variables that it was asked with. */
export type First<Data, Variables> = { number: number; data: Data; variables: Variables };

type Asked<Data, Variables> = {
  first: First<Data, Variables> | undefined;
  failure: Failure | undefined;
  /** What is shown is not what was asked for last. */
  loading: boolean;
  reload(): void;
};

const AGAIN_AFTER_MS = 3_000;

/** Asks once for each set of variables: what follows the answer from there on is not to be taken away from under it. */
export function useFirst<Data, Variables>(
  document: Document<Data, Variables>,
  variables: Variables,
): Asked<Data, Variables> {
  const [first, setFirst] = useState<First<Data, Variables> | undefined>(undefined);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [loading, setLoading] = useState(true);
  const [asked, setAsked] = useState(0);
  const again = () => setAsked(times => times + 1);
  useEffect(() => {
    const left = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    setLoading(true);
    ask(document, variables, left.signal)
      .then(
        data => {
          setFirst(before => ({ number: (before?.number ?? 0) + 1, data, variables }));
          setFailure(undefined);
        },
        thrown => {
          if (left.signal.aborted) return;
          const failed = asFailure(thrown);
          setFailure(failed);
          if (isPassing(failed)) timer = setTimeout(again, AGAIN_AFTER_MS);
        },
      )
      .finally(() => {
        if (!left.signal.aborted) setLoading(false);
      });
    return () => {
      left.abort();
      clearTimeout(timer);
    };
  }, [document, JSON.stringify(variables), asked]);
  return { first, failure, loading, reload: again };
}
