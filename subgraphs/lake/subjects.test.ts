import { describe, expect, test } from 'vitest';
import { silentFeed } from '../../events/feed.ts';
import { createSystem, happening, useServers } from '../../events/fixture.ts';
import { createLake, indexes, type LakeRow } from './store.ts';
import { countSubjects } from './subjects.ts';

const urls = useServers();
const MANY = 1_000_000;

async function lakeOf(subjects: readonly string[]) {
  const system = createSystem(urls);
  const rows = system.collection<LakeRow>('lake', 'rows');
  await rows.createIndexes([...indexes.lake]);
  const lake = createLake({ summaries: undefined, rows, feed: silentFeed, clock: system.clock });
  await lake.store(subjects.map((subject, index) => ({ ...happening(`e${index}`), subject })));
  return lake;
}

describe('the subjects of events', () => {
  test('are counted once each, whatever filters they are found by', async () => {
    const lake = await lakeOf(['a', 'b', 'a', 'c']);
    const type = happening('e').type;
    const filters = [{ types: [type] }, {}];
    expect(await countSubjects(lake, { filters, total: 4, isWhole: false })).toBe(3);
  });

  test('of many events are those of the lake, by its index', async () => {
    const lake = await lakeOf(['a', 'b', 'a', 'c']);
    expect(await countSubjects(lake, { filters: [{ source: '/nowhere' }], total: MANY, isWhole: true })).toBe(3);
  });

  test('of many events that leave some out are not known', async () => {
    const lake = await lakeOf(['a', 'b']);
    expect(await countSubjects(lake, { filters: [{}], total: MANY, isWhole: false })).toBe(null);
  });
});
