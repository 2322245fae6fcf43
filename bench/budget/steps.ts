/** Which step of a deposit's way a command belongs to, and what it would take to need fewer of it. */
import type { Tally } from './counts.ts';

export type Step = { service: string; step: string; fewer: string };

type Known = { is: RegExp; step: string; fewer?: string; service?: string };

const CLOCK = 'by the clock, whatever is deposited';
const TOGETHER = 'rows of several batches at once: the pushed balance would wait';

/** In this order: the first that fits. Names are as counters.ts makes them, without `tributary-`. */
const MONGODB: readonly Known[] = [
  {
    is: /^account insert events/,
    step: 'acknowledges: one document',
    fewer: 'requests that come together in one insertMany',
  },
  {
    is: /find events \{pending\}/,
    step: 'relay: what is pending',
    fewer: 'a flush that gathers for longer',
  },
  {
    is: /update events \{_id,fence\}/,
    step: 'relay: marks it relayed',
    fewer: 'several flushes marked by one command',
  },
  {
    is: /^balance find events \{_id\}/,
    step: 'own snapshot: is it in the ledger?',
    fewer: 'remembers what this process has appended',
  },
  {
    is: /^balance (find events \{chain|aggregate)/,
    step: 'reads the head of a ledger',
    fewer: 'heads are cached: only new accounts',
  },
  { is: /^balance insert events/, step: 'appends to the ledger', fewer: TOGETHER },
  {
    is: /^account update events \{\}/,
    step: 'marks what is settled',
    fewer: 'one bulkWrite of both collections (MongoDB 8)',
  },
  { is: /^account (update|find) accounts/, step: 'writes the balance to the view', fewer: TOGETHER },
  { is: /^lake insert lake/, step: 'stores it for ever', fewer: 'longer gathering: nobody waits' },
  {
    is: /^lake (insert|find|update) (summaries|lake|checkpoints|keys)/,
    step: 'summaries and checkpoints, every so many events',
  },
  { is: /^reporting find store \{_id\}/, step: 'is the cached head still stored?', fewer: 'looks only after a replay' },
  {
    is: /^reporting find store \{chain\}/,
    step: 'reads heads anew',
    fewer: 'heads are cached: only what somebody else has had',
  },
  { is: /^reporting insert store/, step: 'stores it', fewer: 'longer gathering: nobody waits' },
  { is: /^reporting update statistics/, step: 'writes the hour', fewer: 'longer gathering: nobody waits' },
  { is: /^balance find events \{cause\}/, step: 'which are in the ledger already', fewer: 'only after a repetition' },
  { is: /find events \{_id\}/, step: 'reconciler: looks everything through', fewer: CLOCK },
  { is: /^registry update bindings \{_id\} sets \{passed/, step: 'watermarks', fewer: 'less often' },
  { is: /^registry update bindings/, step: 'reconciler, signs of life', fewer: CLOCK },
  {
    is: /leases|generations|registry find|replays|\{relayed\}|\{due\}|admin|schedules/,
    step: 'leases, looks, polls',
    fewer: CLOCK,
  },
];

const REDIS: readonly Known[] = [
  { is: /^addStandardJob/, step: 'relay: queues the job', fewer: 'larger flushes' },
  { is: /^mark /, step: 'relay: leaves its mark', fewer: 'one script with the job: they share a slot' },
  {
    is: /^moveToActive/,
    step: 'worker: takes a job',
    fewer: 'a queue of our own that is read by one blocking command',
  },
  {
    is: /^(bzpopmin|brpoplpush)/,
    step: 'worker: waits for a job',
    fewer: 'a queue of our own that is read by one blocking command',
  },
  { is: /^wasAll /, step: 'worker: was that all?', fewer: 'a queue of our own that is read by one blocking command' },
  { is: /^moveToFinished/, step: 'worker: finishes a job', fewer: 'finishing several at once' },
  { is: /^(extendLocks?|moveStalledJobsToWait)/, step: 'worker: locks, stalled jobs', fewer: CLOCK },
  {
    is: /^publish feed:(account|lake)/,
    step: 'feed: tells watchers',
    service: 'feed',
    fewer: 'one message for a batch',
  },
  { is: /^publish/, step: 'signs of life, wakes', service: 'feed', fewer: CLOCK },
  {
    is: /^(hgetall|getRanges|look|hdel)/,
    step: 'relay checks, watermarks and who is there',
    fewer: `${CLOCK}; marks of all consumers in one command`,
  },
];

function stepOf(name: string, known: readonly Known[]): Step {
  const found = known.find(({ is }) => is.test(name));
  const service = found?.service ?? /\{([\w-]+)\}(-\d+)?:/.exec(name)?.[1] ?? name.split(' ')[0] ?? '';
  return { service, step: found?.step ?? name, fewer: found?.fewer ?? '' };
}

export const mongodbStep = (name: string): Step => stepOf(name.replace(/^tributary-/, ''), MONGODB);
export const redisStep = (name: string): Step => stepOf(name, REDIS);

/** Whether it is done whatever is deposited, so that how often depends on how long a deposit takes. */
export const isByClock = ({ fewer }: Pick<Step, 'fewer'>): boolean => fewer.startsWith(CLOCK);

/** A step with what was counted of it in several tallies, each divided by its own number of deposits. */
export type Row = Step & { counts: number[] };

/** @param by `service` also where a step is the same in all of them. */
export function rowsOf(tallies: readonly { tally: Tally; deposits: number }[], stepFor: (name: string) => Step): Row[] {
  const rows = new Map<string, Row>();
  tallies.forEach(({ tally, deposits }, index) => {
    for (const [name, count] of Object.entries(tally)) {
      const step = stepFor(name);
      const key = `${step.service} ${step.step}`;
      const row = rows.get(key) ?? { ...step, counts: tallies.map(() => 0) };
      row.counts[index] = (row.counts[index] ?? 0) + count / deposits;
      rows.set(key, row);
    }
  });
  return [...rows.values()].sort(
    (one, other) => one.service.localeCompare(other.service) || (other.counts[0] ?? 0) - (one.counts[0] ?? 0),
  );
}
