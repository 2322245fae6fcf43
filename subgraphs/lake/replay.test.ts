import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Binding, EVERY_TYPE } from '../../events/binding.ts';
import { waitingJobs } from '../../events/fixture.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { counted, started } from './replay.fixture.ts';
import { passesOf } from './replay.ts';

describe('asking for a replay', () => {
  test.each([['lake'], ['unknown']])('into %s is refused, and says what there is', async service => {
    const { request, replays } = await started();
    await expect(request({ service })).rejects.toThrow(/"?service.*only reporting/);
    expect(await replays.rows.countDocuments()).toBe(0);
  });

  test.each(['REBUILD', 'RECONCILE', 'ROLLBACK'] as const)('%s is refused where nothing can be rebuilt', async mode => {
    const { system, request, replays } = await counted(3);
    await system.bind('plain', { rebuildable: false });
    await expect(request({ service: 'plain', mode })).rejects.toThrow('"plain" declares no data as derived');
    expect(await replays.rows.countDocuments()).toBe(0);
  });

  test.each([
    'REBUILD',
    'RECONCILE',
  ] as const)('%s of one subject is refused where events of others make its rows as well', async mode => {
    const { system, request, replays } = await counted(3);
    await system.bind('mixed', { rebuildable: true, rebuiltWhole: true });
    await expect(request({ service: 'mixed', mode, filter: { subject: 's' } })).rejects.toThrow(
      'made of events of others as well',
    );
    expect(await replays.rows.countDocuments()).toBe(0);
    expect(await request({ service: 'mixed', mode })).toMatchObject({ status: 'PLANNED' });
    expect(await request({ service: 'mixed', filter: { subject: 's' } })).toMatchObject({ status: 'PLANNED' });
  });

  test.each([
    true,
    false,
  ])('ROLLBACK is refused as long as there is nothing to return to (a dry run: %s)', async dryRun => {
    const { request, replays } = await counted(3);
    await request({ mode: 'REBUILD', dryRun: true });
    await expect(request({ mode: 'ROLLBACK', dryRun })).rejects.toMatchObject({
      message: 'mode: there is nothing to return to: "reporting" was not rebuilt before.',
      extensions: { code: 'BAD_USER_INPUT' },
    });
    const { _id } = await request({ mode: 'REBUILD' });
    await replays.cancel(_id);
    await expect(request({ mode: 'ROLLBACK', dryRun })).rejects.toThrow('nothing to return to');
    // What fails may have swapped before.
    for (const status of ['PLANNED', 'FAILED'] as const) {
      await replays.rows.updateOne({ _id }, { $set: { status } });
      expect(await request({ mode: 'ROLLBACK', dryRun })).toMatchObject({ status: 'PLANNED' });
    }
  });

  test('is recorded as it stands', async () => {
    const { request } = await counted(3);
    expect(await request({ filter: { types: [deposited.type] } })).toMatchObject({
      service: 'reporting',
      mode: 'REPAIR',
      status: 'PLANNED',
      total: 3,
      until: 3,
      requestedBy: 'olga',
      finishedAt: null,
    });
  });
});

describe('a replay', () => {
  test('that only counts sends nothing', async () => {
    const { system, replayer, request } = await counted(20);
    replayer();
    expect(await request({ dryRun: true })).toMatchObject({ status: 'COMPLETED', total: 20, applied: 0 });
    await delay(100);
    expect(await waitingJobs(system, 'reporting')).toEqual([]);
  });

  test('that only counts says of how many subjects the events are', async () => {
    const { request } = await counted(20);
    expect(await request({ dryRun: true })).toMatchObject({ total: 20, subjects: 7 });
    expect(await request({ dryRun: true, filter: { subject: 'account 3' } })).toMatchObject({ total: 3, subjects: 1 });
    expect(await request({ dryRun: true, filter: { types: ['unknown'] } })).toMatchObject({ total: 0, subjects: 0 });
  });
});

describe('cancelling', () => {
  test('leaves alone what is over, and refuses what is unknown', async () => {
    const { request, replays } = await counted(1);
    const { _id } = await request({ dryRun: true });
    expect(await replays.cancel(_id)).toMatchObject({ status: 'COMPLETED' });
    await expect(replays.cancel('unknown')).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
  });
});

describe('the passes of a replay', () => {
  const binding: Binding = { _id: 's', consumes: ['a', 'b', 'c'], emits: [], partitions: 1, replayedFirst: ['b'] };

  test.each([
    ['all that the service consumes, what restores first', binding, null, [['b'], ['a', 'c']]],
    ['what the filter selects of it', binding, { types: ['c', 'b', 'x'] }, [['b'], ['c']]],
    ['no pass without a type', binding, { types: ['b'] }, [['b']]],
    ['nothing of what the service does not consume', binding, { types: ['x'] }, []],
    ['nothing when the filter says so', binding, { types: [] }, []],
    [
      'every type of whoever consumes everything',
      { ...binding, consumes: [EVERY_TYPE] },
      { types: ['x', 'b'] },
      [['b'], ['x']],
    ],
  ])('are %s', (_, of, filter, types) => {
    expect(passesOf(of, filter).map(pass => pass.types)).toEqual(types);
  });

  test('keep the rest of the filter', () => {
    expect(passesOf(binding, { subject: 's', types: ['a'] })).toEqual([{ subject: 's', types: ['a'] }]);
  });

  test('of whoever consumes everything, without a filter, leave nothing out', () => {
    const everything = { ...binding, consumes: [EVERY_TYPE] };
    expect(passesOf({ ...everything, replayedFirst: [] }, { subject: 's' })).toEqual([{ subject: 's' }]);
    expect(passesOf(everything, null)).toEqual([{ types: ['b'] }, {}]);
  });
});
