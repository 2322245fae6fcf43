/**
 * Loaded before a service: what its relay sends arrives twice and in another order. Each job is sent two times, and each
 * of them at once or up to DELIVERY_LATE_MS later, its events shuffled.
 */
import { Queue } from 'bullmq';

const lateMs = Number(process.env.DELIVERY_LATE_MS ?? 1_500);

type Sent = Parameters<Queue['addBulk']>[0];

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map(item => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

const mixed = (jobs: Sent): Sent =>
  shuffled(jobs).map(job => ({ ...job, data: { ...job.data, events: shuffled(job.data.events) } }));

const addBulk = Queue.prototype.addBulk;
Queue.prototype.addBulk = async function (this: Queue, jobs: Sent) {
  const later = (some: Sent) => {
    if (some.length > 0)
      setTimeout(() => void addBulk.call(this, some).catch(() => later(some)), Math.random() * lateMs);
  };
  const all = mixed(jobs);
  const late = all.filter(() => Math.random() < 0.5);
  for (const job of [...late, ...mixed(jobs)]) later([job]);
  return await addBulk.call(
    this,
    all.filter(job => !late.includes(job)),
  );
};
