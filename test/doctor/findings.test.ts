import { describe, expect, test } from 'vitest';
import { type Chapter, exitCodeOf, note, ok, report, reportJson, todo, unknown } from './findings.ts';
import { judgeMongodb, type MongodbFacts } from './mongodb.ts';
import { judgeRedis, type RedisFacts } from './redis.ts';
import { judgeIndex } from './services.ts';
import { examineLake, judgeFlow, judgeNode, judgeProcess } from './system.ts';

const CHAPTERS: Chapter[] = [
  { title: 'Redis', findings: [ok('answers', 'in 0.3 ms'), todo('append-only file', 'off', 'Turn it on.')] },
  { title: 'MongoDB', findings: [note('copies', 'one server'), unknown('server', 'not known')] },
];

describe('the report', () => {
  test('has a line for each finding, what to do beneath it, and a verdict', () => {
    expect(report(CHAPTERS, false).split('\n')).toEqual([
      '',
      '  Redis',
      '  ok    answers           in 0.3 ms',
      '  TODO  append-only file  off',
      '                          → Turn it on.',
      '',
      '  MongoDB',
      '  note  copies            one server',
      '  ?     server            not known',
      '',
      '  1 thing to do, 1 could not be looked at, of 4 looked at.',
      '',
    ]);
  });

  test('fits the terminal', () => {
    const long = [{ title: 'Redis', findings: [todo('memory', 'word '.repeat(40).trim(), 'more '.repeat(40).trim())] }];
    for (const line of report(long, false, 80).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('is JSON for programs, with the exit code', () => {
    const { ok: well, exitCode, findings } = JSON.parse(reportJson(CHAPTERS));
    expect([well, exitCode, findings.length]).toEqual([false, 1, 4]);
    expect(findings[1]).toEqual({
      ...{ area: 'Redis', what: 'append-only file', state: 'todo', is: 'off', advice: 'Turn it on.' },
    });
  });

  test('ends with 0 when nothing has to be done, 1 when something has, 2 when something could not be looked at', () => {
    const code = (...findings: Chapter['findings']) => exitCodeOf([{ title: '', findings }]);
    expect(code(ok('a', ''), note('b', ''))).toBe(0);
    expect(code(ok('a', ''), unknown('b', ''))).toBe(2);
    expect(code(unknown('a', ''), todo('b', '', ''))).toBe(1);
  });
});

/** What has to be done, by what was looked at. */
const todos = (findings: Chapter['findings']) =>
  findings.filter(({ state }) => state === 'todo').map(({ what, is }) => `${what}: ${is}`);

describe('Redis', () => {
  const well: RedisFacts = {
    info: { redis_version: '7.0.15', role: 'master', aof_enabled: '1', maxmemory_policy: 'noeviction', maxmemory: '0' },
    settings: { appendfsync: 'everysec' },
    roundTripMs: 0.2,
  };
  const judged = (info: Record<string, string>, settings = well.settings) =>
    todos(judgeRedis({ ...well, info: { ...well.info, ...info }, settings }));

  test('as it should be needs nothing', () => {
    expect(judged({})).toEqual([]);
    expect(judged({ redis_version: '6.2.0' }, {})).toEqual([]);
  });

  test.each([
    [{ aof_enabled: '0' }, 'append-only file: off'],
    [{ aof_last_write_status: 'err' }, 'append-only file: on, and the last write failed: err'],
    [{ maxmemory_policy: 'allkeys-lru' }, 'when memory is full: allkeys-lru'],
    [{ role: 'slave' }, 'role: slave'],
    [{ redis_version: '6.0.9' }, 'version: 6.0.9'],
    [{ used_memory: '90000000', maxmemory: '100000000' }, 'memory: 90 MB of 100 MB'],
  ])('with %j has to be mended', (info, expected) => {
    expect(judged(info)).toEqual([expected]);
  });

  test('that syncs never has to be mended', () => {
    expect(judged({}, { appendfsync: 'no' })).toEqual(['synced to disk: no']);
  });
});

describe('MongoDB', () => {
  const well: MongodbFacts = {
    ...{ version: '8.0.4', embedded: false, replicaSet: 'rs0', sharded: false, writable: true, persistent: true },
    ...{ majorityIsJournaled: true, roundTripMs: 0.4 },
    client: { w: 'majority', journal: true, readPreference: 'primary' },
  };

  test('as it should be needs nothing; one server is worth a note', () => {
    expect(judgeMongodb(well).every(({ state }) => state === 'ok')).toBe(true);
    const alone = judgeMongodb({ ...well, replicaSet: undefined });
    expect(alone.filter(({ state }) => state !== 'ok').map(({ what, state }) => [what, state])).toEqual([
      ['copies', 'note'],
    ]);
  });

  test.each<[Partial<MongodbFacts>, string]>([
    [{ version: '4.2.1' }, 'server: MongoDB 4.2.1, replica set rs0'],
    [{ writable: false }, 'writable: no'],
    [{ persistent: false }, 'storage: in memory'],
    [{ majorityIsJournaled: false }, 'majority means: in the memory of a majority'],
    [{ client: { ...well.client, w: 1 } }, 'acknowledged means: w: 1, journal: true'],
    [{ client: { ...well.client, readPreference: 'secondary' } }, 'reads go to: secondary'],
  ])('with %j has to be mended', (facts, expected) => {
    expect(todos(judgeMongodb({ ...well, ...facts }))).toEqual([expected]);
  });
});

describe('what flows', () => {
  const well = {
    ...{ name: 'balance', running: true, lagEvents: 3, lagSeconds: 1, pausedQueues: 0, failedJobs: 0, faults: 0 },
    ...{ pendingEvents: 0, oldestPendingSeconds: 0 },
  };
  const judged = (health: object) => todos(judgeFlow([{ ...well, ...health }]));

  test.each([
    [{}, []],
    [{ running: null, lagEvents: null, lagSeconds: null, faults: null }, []],
    [{ running: false }, ['balance: does not run']],
    [{ lagEvents: 4_000, lagSeconds: 61 }, ['lag of balance: 4,000 events wait, the oldest for 61 s']],
    [{ pendingEvents: 7, oldestPendingSeconds: 31 }, ['outbox of balance: 7 events wait, the oldest for 31 s']],
    [{ pausedQueues: 1 }, ['queues of balance: 1 is paused: nothing is taken from there']],
    [{ failedJobs: 3 }, ['jobs of balance: 3 have failed: nobody handles their events']],
    [{ faults: 2 }, ['faults of balance: 2 events set aside']],
    [
      { lagEvents: 1, lagSeconds: 61, faults: 1 },
      ['lag of balance: 1 event waits, the oldest for 61 s', 'faults of balance: 1 event set aside'],
    ],
  ])('with %j', (health, expected) => {
    expect(judged(health)).toEqual(expected);
  });
});

test('what could not be asked is not well, and not wrong either', () => {
  const all = { running: null, lagEvents: null, lagSeconds: null, pausedQueues: null, failedJobs: null, faults: null };
  const dark = { name: 'balance', ...all, pendingEvents: null, oldestPendingSeconds: null };
  const findings = judgeFlow([dark, { ...dark, name: 'account', running: true, faults: 1 }]);
  expect(findings.map(({ what, state }) => `${what}: ${state}`)).toEqual([
    ...['running: unknown', 'lag: unknown', 'queues: unknown', 'outboxes: unknown', 'faults: unknown'],
    'faults of account: todo',
  ]);
  expect(findings[0]?.is).toBe('not known of balance');
});

test('a lake whose size nobody could tell is not empty', async () => {
  const answers = (events: number | null) => async () => ({ system: { events, services: [] } }) as never;
  const stateOf = async (events: number | null) =>
    (await examineLake({ once: answers(events), get: answers(events), parts: async () => ({}) }))[0];
  expect(await stateOf(0)).toMatchObject({ state: 'ok', is: 'is empty' });
  expect(await stateOf(null)).toMatchObject({ state: 'unknown' });
});

test('node has to be new enough', () => {
  for (const version of ['v20.19.0', 'v22.0.0']) expect(judgeNode('node', version).state).toBe('ok');
  for (const version of ['v18.20.0', 'v20.18.3', undefined]) expect(judgeNode('node', version).state).toBe('todo');
});

test('a process that is always late has too much to do', () => {
  const page = (seconds: number) =>
    `nodejs_version_info{version="v20.20.2",major="20"} 1\nnodejs_eventloop_lag_p99_seconds ${seconds}\nprocess_resident_memory_bytes 1e8`;
  expect(todos(judgeProcess(page(0.01)))).toEqual([]);
  expect(todos(judgeProcess(page(0.4)))).toEqual(['event loop: p99 400 ms late']);
  expect(judgeProcess(undefined)[0]?.state).toBe('unknown');
});

test('an index has to be there, and unique where one writer is to win', () => {
  const wanted = { key: { chain: 1, version: 1 }, unique: true, sparse: true } as const;
  const judged = (found: Parameters<typeof judgeIndex>[2]) => judgeIndex('t-balance.events', wanted, found).state;
  expect(judged([{ key: { _id: 1 } }, { key: { chain: 1, version: 1 }, unique: true, sparse: true }])).toBe('ok');
  expect(judged([{ key: { _id: 1 } }])).toBe('todo');
  expect(judged([{ key: { version: 1, chain: 1 }, unique: true, sparse: true }])).toBe('todo');
  expect(judged([{ key: { chain: 1, version: 1 }, sparse: true }])).toBe('todo');
});
