/**
 * Group commit: what is submitted while a batch is being handled becomes the next batch. One batch at a time, so that
 * rules of one process never compete with themselves.
 */
export type Batcher<Item> = {
  /**
   * Resolves when all these items have been handled.
   *
   * @throws what `handle` threw. Items of other submitters may be the cause: then handle these alone.
   */
  submit(items: readonly Item[]): Promise<void>;
};

/** What a batch is handed to, and how large it may be. */
export type BatcherOptions<Item> = {
  handle(items: Item[]): Promise<void>;
  /** A submission is never split, so a batch can be larger by one submission. */
  batchMax: number;
};

type Submission<Item> = { items: readonly Item[]; resolve: () => void; reject: (error: unknown) => void };

/** A batcher: what is submitted while one batch is handled becomes the next. */
export function createBatcher<Item>({ handle, batchMax }: BatcherOptions<Item>): Batcher<Item> {
  const waiting: Submission<Item>[] = [];
  let running = false;

  function take(): Submission<Item>[] {
    let end = 0;
    for (let taken = 0; end < waiting.length && taken < batchMax; end++) taken += waiting[end]?.items.length ?? 0;
    return waiting.splice(0, end);
  }

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const batch = take();
      try {
        await handle(batch.flatMap(({ items }) => items));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return {
    submit(items) {
      if (items.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        waiting.push({ items, resolve, reject });
        if (!running) void run();
      });
    },
  };
}
