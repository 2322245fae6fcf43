import { describe, expect, test } from 'vitest';
import { faultEvent } from '../../events/fault.ts';
import { until, waitingJobs } from '../../events/fixture.ts';
import { type Answer, createFaults } from './faults.ts';
import { deposits, started } from './replay.fixture.ts';

describe('resubmitting', () => {
  async function faulty() {
    const all = await started();
    const { system, lake } = all;
    const original = deposits(1)[0];
    const input = { service: 'reporting', original, error: new Error('wrong'), deliveries: 3, resubmission: 0 };
    const fault = faultEvent(input, system.clock);
    await lake.store([fault]);
    const answers = system.collection<Answer>('lake', 'resubmissions');
    return { ...all, original, fault, faults: createFaults({ ...system, lake, answers }) };
  }

  test('sends the original to the service that had set it aside, once more', async () => {
    const { system, faults, fault, original } = await faulty();
    const [node] = await faults.resubmit([fault.id], 'olga');
    expect(node).toMatchObject({ row: { _id: fault.id }, service: 'reporting', resubmittedAt: expect.any(String) });
    expect(await waitingJobs(system, 'reporting')).toEqual([{ source: 'lake', events: [original], resubmission: 1 }]);
  });

  test('twice, in a row or at once, sends it once', async () => {
    const { system, faults, fault } = await faulty();
    const answers = await Promise.all([faults.resubmit([fault.id], 'olga'), faults.resubmit([fault.id], 'otto')]);
    await faults.resubmit([fault.id, fault.id], 'olga');
    expect(await waitingJobs(system, 'reporting')).toHaveLength(1);
    expect(answers[0]?.[0]?.resubmittedAt).toBe(answers[1]?.[0]?.resubmittedAt);
  });

  test('after the service took it does not send it again', async () => {
    const { system, faults, fault, runService } = await faulty();
    await faults.resubmit([fault.id], 'olga');
    const { stop } = runService();
    const taken = () => system.collection('reporting', 'store').countDocuments();
    await until(async () => (await taken()) === 1);
    // It finishes what it has, and would leave what comes now.
    await stop();
    await faults.resubmit([fault.id], 'olga');
    expect(await waitingJobs(system, 'reporting')).toEqual([]);
    expect(await taken()).toBe(1);
  });

  test('is counted: an open fault is one that nobody has resubmitted', async () => {
    const { faults, fault } = await faulty();
    expect(await faults.open('reporting')).toBe(1);
    await faults.resubmit([fault.id], 'olga');
    expect(await faults.open('reporting')).toBe(0);
  });

  test('and dismissing close it: what was dismissed can still be sent again, and what was sent keeps its reason', async () => {
    const { system, faults, fault } = await faulty();
    const [dismissed] = await faults.dismiss({ faultIds: [fault.id], reason: 'a test' }, 'olga');
    const dismissal = { by: 'olga', at: expect.any(String), reason: 'a test' };
    expect(dismissed).toMatchObject({ state: 'DISMISSED', resubmittedAt: null, dismissal });
    expect(await waitingJobs(system, 'reporting')).toEqual([]);
    expect(await faults.open('reporting')).toBe(0);
    const [again] = await faults.dismiss({ faultIds: [fault.id], reason: 'another' }, 'otto');
    expect(again?.dismissal).toEqual(dismissed?.dismissal);
    const [sent] = await faults.resubmit([fault.id], 'otto');
    expect(sent).toMatchObject({ state: 'RESUBMITTED', resubmittedAt: expect.any(String), dismissal });
    expect(await waitingJobs(system, 'reporting')).toHaveLength(1);
    expect(await faults.open('reporting')).toBe(0);
  });

  test('what is no fault is refused, and then nothing is sent', async () => {
    const { system, faults, fault } = await faulty();
    await expect(faults.resubmit([fault.id, 'unknown'], 'olga')).rejects.toThrow('There is no fault unknown.');
    expect(await waitingJobs(system, 'reporting')).toEqual([]);
  });

  test('what is no fault is not dismissed either, and nothing else with it', async () => {
    const { faults, fault } = await faulty();
    const asked = faults.dismiss({ faultIds: [fault.id, 'unknown'], reason: 'a test' }, 'olga');
    await expect(asked).rejects.toThrow('There is no fault unknown.');
    expect(await faults.open('reporting')).toBe(1);
  });

  test('while Redis is away says so, and can be asked for again', async () => {
    const { system, lake, fault, faults } = await faulty();
    const answers = system.collection<Answer>('lake', 'resubmissions');
    const send = async () => {
      throw new Error('Connection is closed.');
    };
    const cut = createFaults({ ...system, transport: { ...system.transport, send }, lake, answers });
    await expect(cut.resubmit([fault.id], 'olga')).rejects.toThrow('Connection is closed.');
    await faults.resubmit([fault.id], 'olga');
    expect(await waitingJobs(system, 'reporting')).toHaveLength(1);
  });
});
