/**
 * `npm run bench:budget -- [--rate N] [--seconds N] [--accounts N] [--idle N] [--processes one|each] [--json]`: what a settled deposit
 * costs, counted: commands to MongoDB and Redis by service and step, JSON parses, validations, bytes.
 */
import { parseArgs } from 'node:util';
import { type BudgetOptions, measureBudget } from './budget/measure.ts';
import { report } from './budget/report.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
    accounts: { type: 'string', default: '200' },
    idle: { type: 'string', default: '50' },
    processes: { type: 'string', default: 'one' },
    json: { type: 'boolean', default: false },
  },
});

function within(name: 'rate' | 'seconds' | 'accounts' | 'idle', max: number): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw new Error(`--${name}: a whole number from 1 to ${max} is wanted, not "${values[name]}"`);
}

const options: BudgetOptions = {
  processes: values.processes === 'each' ? 'each' : 'one',
  accounts: within('accounts', 100_000),
  idleDeposits: within('idle', 10_000),
  perSecond: within('rate', 10_000),
  seconds: within('seconds', 3_600),
};
const budget = await measureBudget(options);
process.stdout.write(`${values.json ? JSON.stringify(budget, null, 1) : report(budget, options)}\n`);
