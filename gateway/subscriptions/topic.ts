import { mailbox } from './mailbox.ts';

/** For tests: a source of subscriptions that the test drives. */
export function topic<T>() {
  const readers = new Set<ReturnType<typeof mailbox<T>>>();
  return {
    readers,
    publish: (value: T) => {
      for (const reader of readers) reader.push(value);
    },
    end: (error?: Error) => {
      for (const reader of readers) reader.end(error);
      readers.clear();
    },
    subscribe: (first?: T) => {
      const box: ReturnType<typeof mailbox<T>> = mailbox<T>({
        capacity: 1_000,
        fold: (_, newer) => newer,
        onReturn: () => readers.delete(box),
      });
      readers.add(box);
      if (first !== undefined) box.push(first);
      return box.values;
    },
  };
}

/** Waits until something holds. @throws when it does not within 30 s: only so that a test that fails says what it waited for. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + 30_000; !(await holds()); ) {
    if (Date.now() > endMs) throw new Error(`did not come true: ${holds}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
