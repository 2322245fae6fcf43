/** Values on their way from a producer that never waits to a consumer that takes its time. */
export type Mailbox<T> = {
  push(value: T): void;
  /** No more values: the consumer gets what is waiting, then the end, or the error. */
  end(error?: Error): void;
  /** For a producer that can wait: whether no more than half as many wait as may, or the consumer is done. */
  hasRoom(): boolean;
  /** Resolves when there is room, or else when there is plenty: no more than a tenth wait. */
  room(): Promise<void>;
  values: AsyncIterableIterator<T>;
};

export type MailboxOptions<T> = {
  /** How many values may wait. */
  capacity: number;
  /** Makes one value of the oldest that waits, which has to go, and the one after it. */
  fold(older: T, newer: T): T;
  /** Called once, at once, when the consumer is done, even while its `next()` still waits. */
  onReturn(): void;
};

/**
 * A bounded buffer between a stream and its reader. It is an iterator by hand: `return()` on a waiting `async function*`
 * never runs its `finally`, and what is upstream would never hear that the reader left.
 */
export function mailbox<T>({ capacity, fold, onReturn }: MailboxOptions<T>): Mailbox<T> {
  const waiting: T[] = [];
  let reader: { resolve(result: IteratorResult<T>): void; reject(error: Error): void } | undefined;
  let ended: { error: Error | undefined } | undefined;
  let producers: (() => void)[] = [];

  const hasRoom = () => ended !== undefined || waiting.length <= capacity / 2;
  function letGoOn(): void {
    if (producers.length === 0 || (ended === undefined && waiting.length > capacity / 10)) return;
    for (const goOn of producers) goOn();
    producers = [];
  }

  function close(error?: Error): void {
    ended = { error };
    letGoOn();
    const { resolve, reject } = reader ?? {};
    reader = undefined;
    if (error && reject) {
      ended = { error: undefined };
      reject(error);
    } else {
      resolve?.({ done: true, value: undefined });
    }
  }

  function next(): Promise<IteratorResult<T>> {
    const [value] = waiting.splice(0, 1);
    letGoOn();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (ended) {
      const { error } = ended;
      ended = { error: undefined };
      return error ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve, reject) => {
      reader = { resolve, reject };
    });
  }

  return {
    push(value) {
      if (ended) return;
      if (reader) {
        const { resolve } = reader;
        reader = undefined;
        return resolve({ done: false, value });
      }
      waiting.push(value);
      if (waiting.length <= capacity) return;
      const [oldest, second] = waiting.splice(0, 2);
      if (oldest !== undefined && second !== undefined) waiting.unshift(fold(oldest, second));
    },
    end(error) {
      if (!ended) close(error);
    },
    hasRoom,
    room: () => (hasRoom() ? Promise.resolve() : new Promise(resolve => void producers.push(resolve))),
    values: {
      next,
      async return() {
        waiting.length = 0;
        if (!ended) {
          close();
          onReturn();
        }
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
}
