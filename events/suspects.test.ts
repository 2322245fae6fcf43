import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { away, empty, impatient, remembering, started } from './consumer.fixture.ts';
import { ContractViolation } from './errors.ts';
import type { Event } from './event.ts';
import {
  consuming,
  happening,
  happenings,
  idsOf,
  letLocksRunOut,
  type ServerUrls,
  until,
  useServers,
} from './fixture.ts';
import { meddledWith } from './meddling.fixture.ts';
import type { Delivery } from './suspects.ts';

const urls = useServers();

describe('a rule that throws on one event', () => {
  test('has that one set aside after three counted deliveries, and all others applied', async () => {
    const { system, send } = await started();
    const alone: string[] = [];
    const { rule, applied } = remembering(({ id }) => {
      if (id !== '5') return;
      alone.push(id);
      throw new TypeError('cannot be handled');
    });
    const { faults, deliveries } = consuming(system, 'a', { rules: [rule] });
    await send(happenings(9), happenings(20).slice(9));
    await until(() => empty(system));
    expect(new Set(applied())).toEqual(new Set(idsOf(happenings(20).filter(({ id }) => id !== '5'))));
    expect(faults).toMatchObject([{ original: happening('5', { n: 5 }), deliveries: 3 }]);
    expect(String(faults[0]?.error)).toContain('cannot be handled');
    expect(await deliveries.countDocuments()).toBe(0);
  });

  test('counts a resubmission anew, and says which it is', async () => {
    const { system } = await started();
    const { rule } = remembering(() => {
      throw new TypeError('cannot be handled');
    });
    const { faults } = consuming(system, 'a', { rules: [rule] });
    const letter = { service: 'a', partition: 0, source: 'lake', events: [happening('1')], resubmission: 2 };
    await system.transport.send([letter], { jobId: 'resubmission-1' });
    await until(() => empty(system));
    expect(faults).toMatchObject([{ deliveries: 3, resubmission: 2 }]);
  });
});

describe('a violation of the contract', () => {
  test('that only a rule finds is not tried again', async () => {
    const { system, send } = await started();
    let tries = 0;
    const { rule, applied } = remembering(({ id }) => {
      if (id !== '2') return;
      tries++;
      throw new ContractViolation('not as promised');
    });
    const { faults } = consuming(system, 'a', { rules: [rule] });
    await send([happening('1'), happening('2')]);
    await until(() => empty(system));
    expect(applied()).toEqual(['1']);
    expect(faults).toMatchObject([{ deliveries: 1 }]);
    // Once in the batch, once alone.
    expect(tries).toBe(2);
  });
});

describe('an unavailable store', () => {
  test('does not count against an event that is handled alone', async () => {
    const { system, send } = await started();
    let tries = 0;
    const { rule, applied } = remembering(({ id }) => {
      if (id === 'poison') throw new TypeError('cannot be handled');
      if (id === '1' && tries++ < 6) away();
    });
    const { faults } = consuming(system, 'a', { rules: [rule], clock: impatient });
    await send([happening('poison'), happening('1')]);
    await until(() => empty(system));
    // Its job came again, and a fault that comes again is the same fault.
    expect(new Set(faults.map(({ original }) => (original as Event).id))).toEqual(new Set(['poison']));
    expect(applied()).toContain('1');
  });

  test('does not count either when it is away for the count as well', async () => {
    const { system, send } = await started();
    const deliveries = system.collection<Delivery>('a', 'deliveries');
    let tries = 0;
    const { rule, applied } = remembering(({ id }) => {
      if (id === 'poison') throw new TypeError('cannot be handled');
      if (id === '1' && tries++ < 6) away();
    });
    // All that it does but for taking back what was counted.
    const cannotTakeBack = meddledWith(deliveries, { updateOne: async () => away() });
    const { faults } = consuming(system, 'a', { rules: [rule], clock: impatient, deliveries: cannotTakeBack });
    await send([happening('poison'), happening('1')]);
    await until(() => empty(system));
    expect(new Set(faults.map(({ original }) => (original as Event).id))).toEqual(new Set(['poison']));
    expect(applied()).toContain('1');
  });
});

describe('a process that dies', () => {
  const APPLIED = 'applied';
  const FAULTS = 'faults';
  type Record = { _id: string; deliveries?: number };

  /** A process of its own that consumes: it stores what it applies, hangs at "hang" and dies at "kill". */
  function consumingProcess({ mongodbUrl, redisUrl }: ServerUrls, prefix: string): ChildProcess {
    const args = ['scripts/run.mjs', 'events/harness.ts', mongodbUrl, redisUrl, prefix];
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  }

  async function records(prefix: string) {
    const mongo = new MongoClient(urls.mongodbUrl);
    onTestFinished(() => mongo.close());
    const all = (name: string) => mongo.db(`${prefix}-a`).collection<Record>(name).find().toArray();
    return {
      applied: async () => (await all(APPLIED)).map(({ _id }) => _id).sort(),
      faults: async () => (await all(FAULTS)).map(({ _id, deliveries }) => ({ _id, deliveries })),
    };
  }

  test('by kill -9 leaves its jobs, which are delivered again within 12 s', async () => {
    const { system, send } = await started();
    await send([happening('1'), happening('hang')]);
    const child = consumingProcess(urls, system.prefix);
    await once(child.stdout ?? child, 'data');
    child.kill('SIGKILL');
    const killedMs = performance.now();
    const { rule, applied } = remembering();
    const { faults } = consuming(system, 'a', { rules: [rule] });
    await until(() => empty(system));
    expect(performance.now() - killedMs).toBeLessThan(12_000);
    expect(applied()).toEqual(['1', 'hang']);
    expect(faults).toEqual([]);
  });

  test('of one event has that event set aside after three counted deliveries, and only that one', async () => {
    const { system, send } = await started();
    await send(
      [happening('kill'), happening('1'), happening('2')],
      ...Array.from({ length: 4 }, (_, index) => [happening(`slow ${index}`)]),
    );
    const { applied, faults } = await records(system.prefix);
    let deaths = 0;
    for (let isOver = false; !isOver; ) {
      const child = consumingProcess(urls, system.prefix);
      const died = once(child, 'exit').then(() => true);
      const done = until(() => empty(system)).then(() => false);
      isOver = !(await Promise.race([died, done]));
      done.catch(() => undefined);
      if (isOver) break;
      deaths++;
      expect(deaths).toBeLessThan(6);
      await letLocksRunOut(system, 'a');
    }
    expect(await faults()).toEqual([{ _id: 'kill', deliveries: 3 }]);
    expect(await applied()).toEqual(['1', '2', 'slow 0', 'slow 1', 'slow 2', 'slow 3']);
    // Twice in a batch, and three times counted.
    expect(deaths).toBe(5);
  });
});
