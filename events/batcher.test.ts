import { expect, test } from 'vitest';
import { createBatcher } from './batcher.ts';

/** A batcher whose batches end when the test says so. */
function started(options: { batchMax?: number } = {}) {
  const batches: { items: number[]; end: (error?: Error) => Promise<void> }[] = [];
  const batcher = createBatcher<number>({
    handle: items =>
      new Promise((resolve, reject) => {
        const settled = () => new Promise<void>(done => setImmediate(done));
        batches.push({
          items,
          end: async error => {
            if (error) reject(error);
            else resolve();
            await settled();
          },
        });
      }),
    batchMax: 100,
    ...options,
  });
  return { ...batcher, batches, handled: () => batches.map(({ items }) => items) };
}

test('what is submitted while a batch is handled becomes the next one', async () => {
  const { submit, batches, handled } = started();
  const first = submit([1]);
  const rest = [submit([2, 3]), submit([4])];
  expect(handled()).toEqual([[1]]);
  await batches[0]?.end();
  await first;
  expect(handled()).toEqual([[1], [2, 3, 4]]);
  await batches[1]?.end();
  await Promise.all(rest);
  const after = submit([5]);
  await batches[2]?.end();
  await after;
  expect(handled().at(-1)).toEqual([5]);
});

test('a submission is never split, so a batch is larger than its maximum by one submission at most', async () => {
  const { submit, batches, handled } = started({ batchMax: 3 });
  const all = [submit([0]), submit([1, 2]), submit([3, 4]), submit([5])];
  for (let index = 0; index < 3; index++) await batches[index]?.end();
  await Promise.all(all);
  expect(handled()).toEqual([[0], [1, 2, 3, 4], [5]]);
});

test('a failure reaches all submitters of its batch, and the next batch goes on', async () => {
  const { submit, batches } = started();
  const first = submit([0]);
  const second = [submit([1]), submit([2])].map(submission => submission.catch((error: Error) => error.message));
  await batches[0]?.end();
  const third = batches[1]?.end(new Error('wrong'));
  const last = submit([3]);
  await third;
  await batches[2]?.end();
  expect(await Promise.all([first, ...second, last])).toEqual([undefined, 'wrong', 'wrong', undefined]);
});

test('a handler that throws at once is no different', async () => {
  const { submit } = createBatcher<number>({
    handle: ([first]) => {
      if (first === 1) throw new Error('at once');
      return Promise.resolve();
    },
    batchMax: 10,
  });
  await expect(submit([1])).rejects.toThrow('at once');
  await submit([2]);
});

test('nothing submitted is nothing handled', async () => {
  const { submit, handled } = started();
  await submit([]);
  expect(handled()).toEqual([]);
});
