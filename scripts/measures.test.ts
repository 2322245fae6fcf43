import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { jobCounts, measuresOf } from './measures.ts';

test('the counts of BullMQ’s export are taken, and its totals left out', () => {
  const page = [
    '# HELP bullmq_job_count Number of jobs in the queue by state',
    '# TYPE bullmq_job_count gauge',
    'bullmq_job_count{queue="{lake}-0", state="active"} 1',
    'bullmq_job_count{queue="{lake}-0", state="waiting"} 12',
    'bullmq_job_completed_total{queue="{lake}-0"} 7',
  ].join('\n');
  expect(jobCounts(page)).toEqual([
    { labels: { queue: '{lake}-0', state: 'active' }, value: 1 },
    { labels: { queue: '{lake}-0', state: 'waiting' }, value: 12 },
  ]);
});

test('a gauge that cannot be read is left out, and does not stand still', async () => {
  const registry = new Registry();
  const measures = measuresOf(registry, 'lake');
  let size: Promise<number> = Promise.resolve(7);
  measures.sample('lake_events', async () => [{ value: await size }]);
  expect(await registry.getSingleMetricAsString('lake_events')).toMatch(/^lake_events 7$/m);
  size = Promise.reject(new Error('MongoDB is away'));
  size.catch(() => undefined);
  expect(await registry.getSingleMetricAsString('lake_events')).not.toMatch(/^lake_events/m);
});

test('one with labels loses those that are not there any more', async () => {
  const registry = new Registry();
  const measures = measuresOf(registry, 'lake');
  let services = ['balance', 'wealth'];
  measures.sample('lake_open_faults', async () => services.map(service => ({ labels: { service }, value: 2 })));
  expect(await registry.getSingleMetricAsString('lake_open_faults')).toContain('{service="wealth"} 2');
  services = ['balance'];
  const shown = await registry.getSingleMetricAsString('lake_open_faults');
  expect([shown.includes('wealth'), shown.includes('{service="balance"} 2')]).toEqual([false, true]);
});

test('a service may sample what the catalogue has, and nothing else', () => {
  const measures = measuresOf(new Registry(), 'lake');
  expect(() => measures.sample('lake_size', async () => [])).toThrow(/no gauge lake_size in schema\/metrics.ts/);
});
