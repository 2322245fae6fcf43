/** A row of the table: a fault, brought about under load and ended; and what is measured of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Violations } from '../invariants.ts';
import { type Arrangement, type Cluster, startCluster } from './cluster.ts';
import { NotPossible } from './disk.ts';
import { acknowledged, type Bank, type LoadOptions, longestSilenceMs, openBank, startLoad } from './load.ts';
import { judge, othersSeeNothing, recovery, rest, type Verdict } from './verdict.ts';
import { watch } from './watching.ts';

export type Context = {
  cluster: Cluster;
  bank: Bank;
  /** Shows how far the row is. */
  say(text: string): void;
  /** Something measured that belongs into the table. */
  note(text: string): void;
  /** Something that is not as it must be. */
  violated(text: string): void;
  /** This event is poisoned by the row. */
  poison(eventId: string): void;
  /** This type of event is the row's own. */
  type(name: string): void;
};

export type Row = {
  /** For `--row`. */
  name: string;
  /** For the table. */
  what: string;
  /** Takes too long to be run with all the others. */
  byNameOnly?: true;
  arrangement?: Arrangement;
  /** What goes on meanwhile. */
  load?: LoadOptions;
  /** Brings the fault about and ends it, while the load goes on; resolves when it has ended. */
  fault(context: Context): Promise<void>;
  /** What has to be done before the system can be whole again; its time does not count as recovery. */
  repair?(context: Context): Promise<void>;
  /** Where there is too much to read over the API: holds it to the invariants in another way. */
  judge?(context: Context): Promise<Verdict>;
};

export type Result = {
  name: string;
  what: string;
  notRun?: string;
  acknowledged: number;
  unknown: number;
  lost: number;
  double: number;
  violations: Violations;
  silenceMs: number;
  /** Undefined when it did not recover in time. */
  recoveryMs: number | undefined;
  setAside: number;
  notes: string[];
};

const WARM_UP_MS = 1_500;
const AFTERWARDS_MS = 2_000;
const RECOVERY_MAX_MS = 120_000;
const REST_MAX_MS = 90_000;

/** Runs a row on a system of its own. */
export async function runRow(row: Row, say: (text: string) => void): Promise<Result> {
  let cluster: Cluster | undefined;
  try {
    say('starting');
    cluster = await startCluster(row.arrangement);
    const bank = await openBank(cluster.url);
    return await runOn(row, cluster, bank, say);
  } catch (error) {
    if (!(error instanceof NotPossible)) return failed(row, { violations: [`${(error as Error).stack}`] });
    return failed(row, { notRun: error.message });
  } finally {
    say('stopping');
    await cluster?.stop();
  }
}

function failed({ name, what }: Row, so: Partial<Result>): Result {
  const nothing = { acknowledged: 0, unknown: 0, lost: 0, double: 0, silenceMs: 0, setAside: 0 };
  return { name, what, ...nothing, violations: [], recoveryMs: undefined, notes: [], ...so };
}

/** Runs a row on a system that is there already, with other rows before and after it. */
export async function runOn(row: Row, cluster: Cluster, bank: Bank, say: (text: string) => void): Promise<Result> {
  const poisoned = new Set<string>();
  const types: string[] = [];
  const notes: string[] = [];
  const violations: Violations = [];
  const context: Context = {
    cluster,
    bank,
    say,
    note: text => void notes.push(text),
    violated: text => void violations.push(text),
    poison: id => void poisoned.add(id),
    type: name => void types.push(name),
  };
  const watching = watch(bank);
  const load = startLoad(bank, row.load);
  let recoveryMs: number | undefined;
  let silenceMs = 0;
  try {
    await delay(WARM_UP_MS);
    say('the fault');
    await row.fault(context);
    say('recovery');
    recoveryMs = await recovery(cluster, bank, poisoned, RECOVERY_MAX_MS);
    if (recoveryMs === undefined) violations.push(`it has not recovered within ${RECOVERY_MAX_MS / 1000} s`);
    await row.repair?.(context);
    await delay(AFTERWARDS_MS);
    silenceMs = longestSilenceMs(bank, load.startedMs, performance.now());
  } finally {
    await load.stop();
  }
  try {
    say('unknown outcomes');
    await cluster.ready();
    const before = await rest(cluster, REST_MAX_MS);
    const unknown = await bank.resolve();
    say('coming to rest');
    violations.push(...before, ...(await rest(cluster, REST_MAX_MS)));
    await delay(AFTERWARDS_MS);
    say('invariants');
    const verdict = row.judge ? await row.judge(context) : await judge(cluster, bank, watching, { poisoned, types });
    violations.push(...verdict.violations, ...(await othersSeeNothing(bank)));
    const setAside = await cluster.database('lake').collection('lake').countDocuments({ 'event.type': 'fault' });
    const { name, what } = row;
    return {
      name,
      what,
      acknowledged: acknowledged(bank).size,
      unknown,
      lost: verdict.lost,
      double: verdict.double,
      violations,
      silenceMs,
      recoveryMs,
      setAside,
      notes,
    };
  } finally {
    await watching.stop();
  }
}
