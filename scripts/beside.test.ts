import { getEventListeners } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { recorder, temporaryDir, until } from '../embedded/harness.ts';
import { type Measures, unmeasured } from '../events/measures.ts';
import { createBeside } from './beside.ts';

/** Does what a task's name says, and says so with the number of its thread. */
const PROGRAM = `
import { parentPort, threadId, workerData } from 'node:worker_threads';
const say = message => parentPort?.postMessage(message);
if (workerData.holder === 'nobody') process.exit(1);
say({ say: 'ready' });
parentPort?.on('message', message => {
  const { say: what, id, service, task, input } = message;
  if (what === 'stop') process.exit(0);
  if (what === 'abort') return say({ say: 'done', id, error: 'aborted' });
  if (task === 'die') process.exit(1);
  if (task === 'throw') throw new Error('nobody catches it');
  if (task === 'fail') return say({ say: 'done', id, error: 'Error: it cannot be done' });
  if (task === 'wait') return;
  if (task === 'spin') for (;;);
  say({ say: 'log', line: JSON.stringify({ level: 30, service, msg: 'in ' + threadId + ' ' + workerData.holder + ' ' + input }) });
  say({ say: 'measured', service, what: 'handled', args: ['repair', 2, 0.1, 5] });
  say({ say: 'done', id });
});
`;

async function started({
  idleMs = 30_000,
  withoutMs = 60_000,
  stopWithinMs = 4_000,
  holder = 'a process beside',
} = {}) {
  const program = join(await temporaryDir(), 'thread.ts');
  await writeFile(program, PROGRAM);
  const { log, lines } = recorder();
  const counted: unknown[] = [];
  const handled: Measures['handled'] = (...args) => void counted.push(args);
  const beside = createBeside({
    settings: { mongodbUrl: '', redisUrl: '', holder, level: 'info', services: [] },
    measuresOf: service => ({ ...unmeasured, handled: (...args) => void (service === 'a' && handled(...args)) }),
    ...{ log, program, idleMs, withoutMs, stopWithinMs },
  });
  onTestFinished(() => beside.stop());
  const abort = new AbortController();
  const run = (task: string, input: unknown = '') => beside.run('a', task, input, abort.signal);
  const threads = () => new Set(lines.flatMap(line => /in (\d+)/.exec(line)?.[1] ?? [])).size;
  return { beside, run, abort, lines, counted, threads };
}

test('tasks are done in one other thread, which logs and counts where the first one does', async () => {
  const { run, lines, counted, threads } = await started();
  await Promise.all([run('work', 'one'), run('work', 'two')]);
  await until(() => lines.length === 2);
  const said = lines.map(line => JSON.parse(line)).map(({ service, msg }) => [service, msg.replace(/in \d+/, 'in n')]);
  expect(said).toEqual([
    ['a', 'in n a process beside one'],
    ['a', 'in n a process beside two'],
  ]);
  expect(threads()).toBe(1);
  expect(counted).toEqual([
    ['repair', 2, 0.1, 5],
    ['repair', 2, 0.1, 5],
  ]);
});

test('what a task throws is thrown to whoever asked for it', async () => {
  const { run, abort } = await started();
  await expect(run('fail')).rejects.toThrow('it cannot be done');
  // Whoever may ask for years is not listened to for each task.
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
});

test.each([
  'die',
  'throw',
])('a thread that ends by itself (%s) fails what it had at hand, and the next task has a new one', async how => {
  const { run, threads } = await started();
  await run('work');
  const waiting = run('wait');
  await expect(run(how)).rejects.toThrow('the second thread ended');
  await expect(waiting).rejects.toThrow('the second thread ended');
  await run('work');
  expect(threads()).toBe(2);
});

test('where a thread ends before it is ready tasks are done without one; after a while it is tried again', async () => {
  const { beside, run } = await started({ holder: 'nobody', withoutMs: 200 });
  const { from } = beside;
  await expect(run('work')).rejects.toThrow('the second thread ended');
  expect(beside.from).toBe(Number.POSITIVE_INFINITY);
  await until(() => beside.from === from);
});

test('one that ends when it was ready is had again at once', async () => {
  const { beside, run } = await started();
  const { from } = beside;
  await expect(run('die')).rejects.toThrow('the second thread ended');
  expect(beside.from).toBe(from);
});

test('a task is told when nobody needs it any more, and one that nobody needs is not begun', async () => {
  const { run, abort, lines } = await started();
  const waiting = run('wait');
  abort.abort();
  await expect(waiting).rejects.toThrow('aborted');
  await run('work');
  expect(lines).toEqual([]);
});

test('a thread that has had nothing to do for a while is ended; there is one again when there is something', async () => {
  const { run, threads } = await started({ idleMs: 20 });
  await run('work');
  await until(async () => {
    await run('work');
    return threads() > 1;
  });
});

test('one that has something to do is not ended, however long it takes', async () => {
  const { run, abort, threads } = await started({ idleMs: 100 });
  await run('work');
  const waiting = expect(run('wait')).rejects.toThrow('aborted');
  await run('work');
  const sinceMs = performance.now();
  await until(() => performance.now() - sinceMs > 300);
  await run('work');
  expect(threads()).toBe(1);
  abort.abort();
  await waiting;
});

test.each([
  'wait',
  'spin',
])('stopping ends the thread, whatever it does (%s), and may be done when there is none', async what => {
  const { beside, run } = await started({ stopWithinMs: 200 });
  await run('work');
  const waiting = run(what);
  const ended = expect(waiting).rejects.toThrow('the second thread ended');
  await beside.stop();
  await ended;
  await beside.stop();
});
