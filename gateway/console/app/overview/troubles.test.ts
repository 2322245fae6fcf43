import { expect, test } from 'vitest';
import { ACCOUNT, BALANCE, LAKE, systemWith } from './fixture.ts';
import { flowsOf } from './tables.tsx';
import { troublesOf } from './troubles.ts';

const titlesOf = (...[change]: Parameters<typeof systemWith>) =>
  troublesOf(systemWith(change)).map(({ title }) => title);

test('a system that is well has no troubles, nor has the usual bustle', () => {
  expect(titlesOf()).toEqual([]);
  const busy = { ...BALANCE, lagEvents: 40, lagSeconds: 0.4, pendingEvents: 3, oldestPendingSeconds: 1 };
  expect(titlesOf({ services: [busy] })).toEqual([]);
  // Just after the beginning nobody has been heard yet.
  expect(titlesOf({ services: [{ ...BALANCE, running: null }] })).toEqual([]);
});

test('a service that does not run is said with what waits for it, and how to start it', () => {
  const stopped = { ...BALANCE, running: false, lagEvents: 1_204, lagSeconds: 75 };
  const [trouble] = troublesOf(systemWith({ services: [ACCOUNT, stopped] }));
  expect(trouble).toMatchObject({
    kind: 'error',
    title: 'balance does not run.',
    text: expect.stringContaining('1,204 events wait for it, the oldest for 1 min 15 s.'),
    command: 'npm run service -- balance',
  });
});

test('one that runs and is behind is said to be, and so are events that wait in an outbox, and faults', () => {
  const behind = { ...BALANCE, lagEvents: 1, lagSeconds: 20, faults: 2 };
  const held = { ...ACCOUNT, pendingEvents: 1_000, oldestPendingSeconds: 30 };
  expect(titlesOf({ services: [held, behind] })).toEqual([
    'balance is behind.',
    'Events wait in the outbox of account.',
    '2 faults are open.',
  ]);
  const [, outbox, faults] = troublesOf(systemWith({ services: [held, behind] }));
  expect(outbox?.text).toMatch(/^1,000 or more acknowledged/);
  expect(faults?.link?.to).toBe('/faults?service=balance');
});

test('a queue that somebody has paused is said, and so are jobs that nobody handles any more', () => {
  const services = [ACCOUNT, { ...BALANCE, pausedQueues: 1, failedJobs: 2, lagEvents: 4, lagSeconds: 18 }];
  const troubles = troublesOf(systemWith({ services }));
  expect(troubles[0]?.text).toMatch(/^4 events wait for it, the oldest for 18 s\. Nothing is taken/);
  expect(troubles.map(({ title, link }) => [title, link?.to])).toEqual([
    ['A queue of balance is paused.', '/queues'],
    ['2 jobs of balance have failed.', '/queues'],
  ]);
  expect(titlesOf({ services: [{ ...BALANCE, pausedQueues: null, failedJobs: null }] })).toEqual([]);
});

test('a server that is away comes first, and what follows from that is not said again', () => {
  const services = [{ ...ACCOUNT, running: null, lagEvents: null, pendingEvents: 9, oldestPendingSeconds: 30 }, LAKE];
  const servers = systemWith().servers.map(server => ({ ...server, state: 'DOWN' as const, roundTripMs: null }));
  expect(titlesOf({ services, servers })).toEqual(['MongoDB does not answer.', 'Redis does not answer.']);
});

test('the table of the events has what flows and what may, once each', () => {
  const flows = [
    { source: '/balance', type: 'balance-updated', eventsPerSecond: 2, eventsLastMinute: 120 },
    { source: '/balance', type: 'fault', eventsPerSecond: 0, eventsLastMinute: 1 },
  ];
  const rows = flowsOf(systemWith({ flows })).map(({ source, type, eventsLastMinute }) => [
    source,
    type,
    eventsLastMinute,
  ]);
  expect(rows).toEqual([
    ['/account', 'account-opened', 0],
    ['/account', 'deposited', 0],
    ['/account', 'withdrawn', 0],
    ['/balance', 'balance-updated', 120],
    ['/balance', 'overdrawn', 0],
    ['/balance', 'fault', 1],
  ]);
});
