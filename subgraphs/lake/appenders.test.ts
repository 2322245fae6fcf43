import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createSystem, until, useServers } from '../../events/fixture.ts';
import { lakeEvents } from './fixture.ts';
import { createLake, indexes, type LakeRow } from './store.ts';
import { createSummaries, type Summary } from './summaries.ts';

const urls = useServers();
const program = fileURLToPath(new URL('harness.ts', import.meta.url));
const runner = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));

test('positions are 1, 2, 3, ... however many processes store the same events, and are killed in the middle', async () => {
  const EVENTS = 3_000;
  const system = createSystem(urls);
  const rows = system.collection<LakeRow>('lake', 'lake');
  await rows.createIndexes([...indexes.lake]);

  type Appender = { child: ChildProcess; exited: Promise<unknown[]> };
  function appender(first: number, count: number, batch: number): Appender {
    const args = [urls.mongodbUrl, rows.dbName, ...[first, count, batch].map(String)];
    const child = spawn(process.execPath, [runner, program, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return { child, exited: once(child, 'exit') };
  }

  const stored = () => rows.countDocuments();
  const reaches = (count: number) => until(async () => (await stored()) >= count, 60_000);
  const killed = [appender(0, EVENTS, 7), appender(0, EVENTS, 11), appender(1_000, 2_000, 30)];
  for (const [at, { child, exited }] of killed.entries()) {
    await reaches(300 * (at + 1));
    child.kill('SIGKILL');
    await exited;
    // What was killed is started again, as a queue delivers again what was not acknowledged.
    if (at === 0) killed.push(appender(500, 2_500, 50));
  }
  const last = [appender(0, 2_000, 40), appender(0, EVENTS, 60)];
  for (const { exited } of last) expect(await exited).toEqual([0, null]);

  const all = await rows.find().sort({ version: 1 }).toArray();
  expect(all.map(({ version }) => version)).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
  expect(all.map(({ _id }) => _id).sort()).toEqual(lakeEvents(0, EVENTS).map(({ id }) => id));
  const summaries = createSummaries({ collection: system.collection<Summary>('lake', 'summaries'), rows });
  const lake = createLake({ rows, feed: system.feed, clock: system.clock, summaries });
  expect(await lake.verify()).toMatchObject({ valid: true, events: EVENTS });
  const deposits = lakeEvents(0, EVENTS).filter(({ type }) => type === 'deposited').length;
  expect(await lake.count({ types: ['deposited'] })).toBe(deposits);
});
