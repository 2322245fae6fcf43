export type Result = { data?: unknown; errors?: readonly unknown[]; extensions?: unknown };

/** What is shown of a subscription: every result with the time it came, oldest first. */
export type Log = {
  /** Results that are no longer shown, when there are any. */
  notShown?: number;
  log: readonly Frame[];
  /** What is shown before there is anything to show, so that nobody takes it for still on its way. */
  waiting?: string;
};

type Frame = { at: string } & Result;

export type LogOptions = {
  /** Results that are kept. Default 200. */
  framesMax?: number;
  /** Characters of JSON that are kept, the newest result in any case. Default 400,000. */
  charsMax?: number;
  /** How often it is shown anew. Default: 10 times a second. */
  everyMs?: number;
  /** How long the first result may take until it is said that there is none yet. Default 500. */
  waitingAfterMs?: number;
  now?(): number;
};

type Observer = { next(log: Log): void; error(error: unknown): void; complete(): void };

/** As GraphiQL knows it: whoever subscribes is shown the log so far, each time it grows. */
export type Logged = { subscribe(observer: Observer): { unsubscribe(): void } };

/**
 * Keeps the results of a subscription, of which GraphiQL by itself shows the last one only. An error ends the log and is
 * its last entry: what came before stays to be read.
 *
 * @param results is ended when the subscriber leaves.
 */
export function logged(
  results: AsyncIterableIterator<Result>,
  { framesMax = 200, charsMax = 400_000, everyMs = 100, waitingAfterMs = 500, now = Date.now }: LogOptions = {},
): Logged {
  return {
    subscribe(observer) {
      const kept: { frame: Frame; chars: number }[] = [];
      let [notShown, chars] = [0, 0];
      let timer: ReturnType<typeof setTimeout> | undefined;
      let shownMs = Number.NEGATIVE_INFINITY;
      let left = false;
      const waiting = setTimeout(() => observer.next({ log: [], waiting: WAITING }), waitingAfterMs);

      function add(result: Result): void {
        const frame = { at: new Date(now()).toISOString(), ...result };
        const length = JSON.stringify(frame).length;
        kept.push({ frame, chars: length });
        chars += length;
        while (kept.length > 1 && (kept.length > framesMax || chars > charsMax)) {
          chars -= kept.shift()?.chars ?? 0;
          notShown += 1;
        }
        timer ??= setTimeout(show, Math.max(0, shownMs + everyMs - now()));
      }
      function show(): void {
        clearTimeout(waiting);
        clearTimeout(timer);
        timer = undefined;
        shownMs = now();
        observer.next({ ...(notShown > 0 && { notShown }), log: kept.map(({ frame }) => frame) });
      }
      async function follow(): Promise<void> {
        try {
          for await (const result of results) {
            if (left) return;
            add(result);
          }
        } catch (error) {
          if (!left) add({ errors: errorsOf(error) });
        }
        if (left) return;
        if (timer !== undefined || kept.length === 0) show();
        observer.complete();
      }

      void follow();
      return {
        unsubscribe() {
          left = true;
          clearTimeout(waiting);
          clearTimeout(timer);
          void results.return?.();
        },
      };
    },
  };
}

const WAITING = 'Nothing has come yet. Each result is shown here when it comes.';

/** Whatever was thrown as an answer has it: by graphql-ws the errors of the operation, or else why there is no answer. */
export function errorsOf(error: unknown): readonly unknown[] {
  if (Array.isArray(error)) return error;
  return [{ message: error instanceof Error ? error.message : 'The connection was lost.' }];
}

/** Whether what GraphiQL is about to send is a subscription, as far as can be told without reading the document. */
export const isAsyncIterator = (value: unknown): value is AsyncIterableIterator<Result> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
