/**
 * `npm run bench:flat -- [--only events,accounts,memory] [--events 10,1000,100000] [--accounts 200,20000] [--rate N] [--seconds N]
 * [--minutes N]`: whether a deposit costs the same after ten events of its account or a million, and with few accounts or many; and
 * whether memory stays where it is.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Level, level } from './flat/level.ts';
import { memory } from './flat/memory.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'events,accounts,memory' },
    events: { type: 'string', default: '10,1000,100000' },
    accounts: { type: 'string', default: '200,20000' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '10' },
    minutes: { type: 'string', default: '10' },
  },
});

const EVENTS_MAX = 2_000_000;
/** Of an account that is there and has been deposited into once. */
const EVENTS_AN_ACCOUNT = 3;

function numbers(name: 'events' | 'accounts' | 'rate' | 'seconds' | 'minutes', max: number): number[] {
  return values[name].split(',').map(text => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= 1 && number <= max) return number;
    throw new Error(`--${name}: whole numbers from 1 to ${max} are wanted, not "${text}"`);
  });
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const note = (line: string) => process.stderr.write(`${line}\n`);
const wanted = values.only.split(',');
const [perSecond = 100] = numbers('rate', 10_000);
const [seconds = 10] = numbers('seconds', 3_600);
const [minutes = 10] = numbers('minutes', 600);

function table(title: string, levels: readonly Level[], of: (level: Level) => number): void {
  say(
    `\n| ${title} | CPU ms a deposit | MongoDB commands | Redis round trips | ack p50 ms |\n|---:|---:|---:|---:|---:|`,
  );
  for (const one of levels) {
    const cells = [one.cpuMs, one.mongodb, one.trips, one.p50Ms].map(value => value.toFixed(2));
    say(`| ${of(one).toLocaleString('en-GB')} | ${cells.join(' | ')} |`);
  }
}

say(`${perSecond} deposits/s, ${seconds} s each; load average ${(loadavg()[0] ?? 0).toFixed(1)}`);
if (wanted.includes('events')) {
  const levels: Level[] = [];
  for (const events of numbers('events', EVENTS_MAX)) {
    note(`${events} events in one account`);
    levels.push(await level({ events, accounts: 1 }, { perSecond, seconds }, note));
  }
  table('events in the account', levels, ({ events }) => events);
}
if (wanted.includes('accounts')) {
  const levels: Level[] = [];
  for (const accounts of numbers('accounts', EVENTS_MAX / EVENTS_AN_ACCOUNT)) {
    note(`${accounts} accounts`);
    levels.push(await level({ events: accounts * EVENTS_AN_ACCOUNT, accounts }, { perSecond, seconds }, note));
  }
  table('accounts', levels, ({ accounts }) => accounts);
}
if (wanted.includes('memory')) {
  const { deposits, processes } = await memory({ perSecond, seconds: minutes * 60 });
  say(
    `\n${deposits} deposits in ${minutes} minutes\n\n| memory, MB | first half | second half | at the end |\n|---|---:|---:|---:|`,
  );
  for (const { name, firstMb, secondMb, endMb } of processes) {
    say(`| ${name} | ${[firstMb, secondMb, endMb].map(value => value.toFixed(0)).join(' | ')} |`);
  }
}
