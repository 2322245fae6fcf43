/** The budget as tables in Markdown. */
import { total } from './counts.ts';
import type { Budget, BudgetOptions, Phase } from './measure.ts';
import { mongodbStep, type Row, redisStep, rowsOf } from './steps.ts';

/** What a settled deposit may cost at 500 deposits/s, all services together. */
export const TARGETS = { mongodb: 4, trips: 8 };

const shown = (value: number): string => (value === 0 ? '' : value.toFixed(2));
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [
    line(head),
    line(head.map(title => (/^(service|step|by:|what|to need)/.test(title) ? '---' : '---:'))),
    ...rows.map(line),
  ].join('\n');

/** What one deposit costs in a phase. */
export function costOf({ counts, deposits, luaCommands }: Phase) {
  const each = (count: number) => count / deposits;
  return {
    mongodb: each(total(counts.mongodb)),
    redis: each(total(counts.redis)),
    trips: each(total(counts.trips)),
    luaCommands: each(luaCommands),
    parses: each(total(counts.parses)),
    validations: each(total(counts.validations)),
  };
}

export function report(budget: Budget, options: BudgetOptions): string {
  const { resting, idle, load } = budget;
  const [one, many] = [costOf(idle), costOf(load)];
  const at = `at ${options.perSecond}/s`;
  const rate = (tally: Readonly<Record<string, number>>) => (total(tally) / resting.seconds).toFixed(1);
  const phases = (of: 'mongodb' | 'redis' | 'trips') =>
    [idle, load].map(phase => ({ tally: phase.counts[of], deposits: phase.deposits }));
  return [
    `A settled deposit, ${options.processes === 'one' ? 'all in one process' : 'each service a process'}: one at a time (what the system does by itself taken off), and ${at} with all.`,
    '',
    table(
      ['what', 'one at a time', at, 'at most'],
      [
        ['MongoDB commands', shown(one.mongodb), shown(many.mongodb), `${TARGETS.mongodb}`],
        ['Redis round trips', shown(one.trips), shown(many.trips), `${TARGETS.trips}`],
        ['Redis commands', shown(one.redis), shown(many.redis), ''],
        ['commands inside Lua', shown(one.luaCommands), shown(many.luaCommands), ''],
        ['JSON parses', shown(one.parses), shown(many.parses), ''],
        ['zod validations', shown(one.validations), shown(many.validations), ''],
      ],
    ),
    '',
    `${load.deposits} deposits were settled in ${load.seconds.toFixed(1)} s. By itself the system asks MongoDB ${rate(resting.counts.mongodb)} and Redis ${rate(resting.counts.redis)} times a second.`,
    '',
    table(
      ['service', 'step: MongoDB commands', 'one at a time', at, 'to need fewer'],
      steps(rowsOf(phases('mongodb'), mongodbStep)),
    ),
    '',
    table(
      ['service', 'step: Redis', 'commands, one at a time', at, 'round trips, one at a time', at, 'to need fewer'],
      steps(rowsOf([...phases('redis'), ...phases('trips')], redisStep)),
    ),
    '',
    table(['by: JSON parses', 'one at a time'], tally(idle, 'parses')),
    '',
    table(['by: zod validations', 'one at a time'], tally(idle, 'validations')),
    '',
    table(
      ['what is stored', 'bytes a deposit'],
      [
        ...Object.entries(budget.bytes.documents).map(([name, bytes]) => [name, bytes.toFixed(0)]),
        ['MongoDB, its files with all indexes', budget.bytes.files.toFixed(0)],
        ["Redis's append-only file", budget.bytes.aof.toFixed(0)],
      ],
    ),
  ].join('\n');
}

const SMALL = 0.005;

const steps = (rows: readonly Row[]): string[][] =>
  rows
    .filter(({ counts }) => counts.some(count => count >= SMALL))
    .map(({ service, step, counts, fewer }) => [service, step, ...counts.map(shown), fewer]);

const tally = ({ counts, deposits }: Phase, of: 'parses' | 'validations'): string[][] =>
  Object.entries(counts[of])
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => [name, shown(count / deposits)]);
