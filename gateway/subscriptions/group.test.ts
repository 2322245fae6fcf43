import type { ExecutionResult } from 'graphql';
import { expect, test, vi } from 'vitest';
import type { StreamEvent } from './events.ts';
import { group } from './group.ts';
import { topic, until } from './topic.ts';

type Event = StreamEvent<ExecutionResult>;
const event = (version: number, marks: Partial<Event> = {}): Event => ({
  result: { data: { version } },
  resumed: false,
  skipped: 0,
  ...marks,
});

/** A group over a stream that the test drives, whose executions wait until the test lets them go. */
function start({ state = true } = {}) {
  const source = topic<Event>();
  const executions: { version: unknown; context: string; go(error?: Error): void }[] = [];
  const onClose = vi.fn();
  const contexts: (() => string)[] = [];
  const subscribers = group<string, string>({
    state,
    open(context) {
      contexts.push(context);
      return source.subscribe();
    },
    execute: ({ result }, context) =>
      new Promise((resolve, reject) => {
        const version = result.data?.version;
        const go = (error?: Error) => (error ? reject(error) : resolve(`${version} as of ${executions.length}`));
        executions.push({ version, context, go });
      }),
    onClose,
  });
  const go = async (count: number, error?: Error) => {
    await until(() => executions.length === count);
    executions[count - 1]?.go(error);
  };
  return { source, executions, subscribers, onClose, contexts, go };
}

test('one stream and one execution for all', async () => {
  const { source, subscribers, contexts, go } = start();
  const members = ['a', 'b', 'c'].map(subscribers.join);
  expect(contexts).toHaveLength(1);
  source.publish(event(1));
  await go(1);
  for (const member of members) expect((await member.next()).value).toEqual(event(1, { result: '1 as of 1' } as never));
});

test('those who come while the newest state is executed get it from one execution more, together', async () => {
  const { source, executions, subscribers, go } = start();
  const first = subscribers.join('a');
  source.publish(event(1));
  await until(() => executions.length === 1);
  const late = ['b', 'c'].map(subscribers.join);
  await go(1);
  await go(2);
  expect((await first.next()).value).toMatchObject({ result: '1 as of 1' });
  for (const member of late) expect((await member.next()).value).toMatchObject({ result: '1 as of 2' });
  expect(executions).toHaveLength(2);
});

test('a state that comes while newcomers wait is theirs too, and never comes before an older one', async () => {
  const { source, executions, subscribers, go } = start();
  const first = subscribers.join('a');
  source.publish(event(1));
  await go(1);
  await first.next();
  const late = subscribers.join('b');
  const next = late.next();
  await until(() => executions.length === 2);
  source.publish(event(2));
  await go(2);
  expect((await next).value).toMatchObject({ result: '1 as of 2' });
  await go(3);
  expect((await late.next()).value).toMatchObject({ result: '2 as of 3' });
  expect((await first.next()).value).toMatchObject({ result: '2 as of 3' });
});

test('what happened before a newcomer is not told to him: neither a gap nor an occurrence', async () => {
  const states = start();
  const first = states.subscribers.join('a');
  states.source.publish(event(1, { resumed: true, skipped: 2 }));
  await states.go(1);
  expect((await first.next()).value).toMatchObject({ resumed: true, skipped: 2 });
  const late = states.subscribers.join('b');
  await states.go(2);
  expect((await late.next()).value).toMatchObject({ resumed: false, skipped: 0 });

  const occurrences = start({ state: false });
  const early = occurrences.subscribers.join('a');
  occurrences.source.publish(event(1));
  await occurrences.go(1);
  await early.next();
  const next = occurrences.subscribers.join('b').next();
  occurrences.source.publish(event(2));
  await occurrences.go(2);
  expect((await next).value).toMatchObject({ result: '2 as of 2' });
});

test('it runs with the credentials of whoever came last and is still there', async () => {
  const { source, executions, subscribers, contexts, go } = start();
  const [a, , c] = ['a', 'b', 'c'].map(subscribers.join);
  expect(contexts[0]?.()).toBe('c');
  source.publish(event(1));
  await go(1);
  await c?.return?.();
  source.publish(event(2));
  await go(2);
  await a?.return?.();
  expect(contexts[0]?.()).toBe('b');
  expect(executions.map(({ context }) => context)).toEqual(['c', 'b']);
});

test('the last to leave closes the stream, even before its first event', async () => {
  const { source, subscribers, onClose } = start();
  const [a, b] = ['a', 'b'].map(subscribers.join);
  await a?.return?.();
  expect([source.readers.size, onClose.mock.calls.length]).toEqual([1, 0]);
  await b?.return?.();
  expect([source.readers.size, onClose.mock.calls.length]).toEqual([0, 1]);
});

test.each<[string, (group: ReturnType<typeof start>) => unknown]>([
  ['the stream breaks for good', ({ source }) => source.end(new Error('lost'))],
  ['an execution fails', ({ go, source }) => [source.publish(event(1)), go(1, new Error('lost'))]],
  ['it is ended', ({ subscribers }) => subscribers.end(new Error('lost'))],
])('when %s, everybody is told, and the stream is left', async (_, happens) => {
  const started = start();
  const members = ['a', 'b'].map(started.subscribers.join);
  await happens(started);
  for (const member of members) await expect(member.next()).rejects.toThrow('lost');
  await until(() => started.source.readers.size === 0);
  expect(started.onClose).toHaveBeenCalledOnce();
});

test('nobody waits for anybody: who does not read gets the newest, the others get them all', async () => {
  const { source, subscribers, go } = start();
  const [quick, slow] = ['a', 'b'].map(subscribers.join);
  for (let version = 1; version <= 50; version++) {
    source.publish(event(version));
    await go(version);
    expect((await quick?.next())?.value).toMatchObject({ result: `${version} as of ${version}` });
  }
  expect((await slow?.next())?.value).toMatchObject({ result: '50 as of 50', skipped: 0 });
});

test('whoever comes while the last state is executed gets it before the end', async () => {
  const { source, executions, subscribers, go } = start();
  const first = subscribers.join('a');
  source.publish(event(1));
  await until(() => executions.length === 1);
  const late = subscribers.join('b');
  source.end();
  await go(1);
  await go(2);
  for (const member of [first, late]) {
    expect((await member.next()).value).toMatchObject({ result: expect.stringContaining('1 as of') });
    expect((await member.next()).done).toBe(true);
  }
});

test('who waits for the newest state when a newer one comes gets that one, once', async () => {
  const { source, executions, subscribers, go } = start();
  const first = subscribers.join('a');
  source.publish(event(1));
  await go(1);
  await first.next();
  const waiting = [first.next()];
  source.publish(event(2));
  await until(() => executions.length === 2);
  const late = subscribers.join('b');
  source.publish(event(3));
  await go(2);
  await go(3);
  await Promise.all(waiting);
  expect((await late.next()).value).toMatchObject({ result: expect.stringContaining('as of') });
  for (let n = 4; n <= executions.length; n++) await go(n);
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(executions.length).toBeLessThanOrEqual(4);
});
