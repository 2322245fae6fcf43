/**
 * What each gateway makes of subscriptions over the same subgraphs on this machine. All run at once and are measured in
 * turn, so that whatever else the machine does, it does to all; only for idle subscriptions each is started anew.
 */
import { cpus } from 'node:os';
import { ACCOUNTS } from './operations.ts';
import { startSubgraphs } from './subgraphs.ts';
import { type Crowd, startCrowd } from './subscriptions/crowd.ts';
import { type DeliverySample, measureDeliveries } from './subscriptions/deliveries.ts';
import { type IdleLoad, type IdleSample, measureIdle } from './subscriptions/idle.ts';
import { type Options, optionsOrExit, type Scenario } from './subscriptions/options.ts';
import { measurePeak, type PeakSample } from './subscriptions/peak.ts';
import { deliveriesTable, idleTable, peakTable, type Samples } from './subscriptions/tables.ts';
import { startTarget, type Target } from './subscriptions/targets.ts';

/** A scenario with a title, and how to measure one target in it. */
type Run<Sample> = { title: string; table(samples: Samples<Sample>): string; measure(target: Target): Promise<Sample> };

const thousands = (count: number): string => count.toLocaleString('en-GB');

/** Measures every target so many times, there and back again, and prints the table. */
async function inTurn<Sample>(targets: readonly Target[], rounds: number, run: Run<Sample>): Promise<void> {
  const samples = new Map<string, Sample[]>(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
      try {
        const sample = await run.measure(target);
        samples.get(target.name)?.push(sample);
        process.stderr.write(`${round + 1}/${rounds} ${target.name}: ${JSON.stringify(sample)}\n`);
      } catch (error) {
        // One that cannot do it has a row without numbers; the others go on.
        process.stderr.write(`${round + 1}/${rounds} ${target.name} FAILED: ${error}\n`);
      }
    }
  }
  console.log(`\n### ${run.title}\n\n${run.table(samples)}`);
}

const deliveries = (crowd: Crowd, options: Options, watching: 'one' | 'own'): Run<DeliverySample> => {
  const { subscribers, sharedRate, ownersRate } = options;
  const eventsPerSecond = watching === 'one' ? sharedRate : ownersRate;
  // A socket has one caller.
  const perSocket = watching === 'one' ? options.perSocket : 1;
  return {
    title:
      watching === 'one'
        ? `${thousands(subscribers)} subscribers of one account (${perSocket} on a socket), ${eventsPerSecond} changes a second`
        : `${thousands(subscribers)} owners, each of an own account, ${thousands(eventsPerSecond)} changes a second in all`,
    table: deliveriesTable,
    measure: target => measureDeliveries(crowd, target, { ...options, perSocket, watching, eventsPerSecond }),
  };
};

const peak = (crowd: Crowd, options: Options): Run<PeakSample> => ({
  title: `The most deliveries to ${thousands(options.subscribers)} subscribers of one account (${options.perSocket} on a socket)`,
  table: peakTable,
  measure: target => measurePeak(crowd, target, options),
});

async function watched(crowd: Crowd, options: Options): Promise<void> {
  const subgraphs = await startSubgraphs({ accounts: ACCOUNTS });
  const targets: Target[] = [];
  const has = (scenario: Scenario): boolean => options.scenarios.includes(scenario);
  try {
    for (const name of options.peers) targets.push(await startTarget(name, { subgraphs, accounts: ACCOUNTS }));
    if (has('shared')) await inTurn(targets, options.rounds, deliveries(crowd, options, 'one'));
    if (has('distinct')) await inTurn(targets, options.rounds, deliveries(crowd, options, 'own'));
    if (has('peak')) await inTurn(targets, options.rounds, peak(crowd, options));
  } finally {
    await Promise.all([subgraphs, ...targets].map(each => each.stop()));
  }
}

const idleLoads = (subscribers: number): IdleLoad[] => [
  { subscribers, perSocket: 50, watching: 'one' },
  { subscribers, perSocket: 1, watching: 'one' },
  { subscribers, perSocket: 1, watching: 'own' },
];

async function idle(crowd: Crowd, options: Options): Promise<void> {
  const rows = new Map<string, IdleSample[]>();
  for (const load of idleLoads(options.idle)) {
    for (const name of options.peers.filter(each => each !== 'direct')) {
      const row = `${name}, ${load.watching === 'one' ? 'one account' : 'an account each'}, ${load.perSocket} on a socket`;
      rows.set(row, []);
      const subgraphs = await startSubgraphs({ accounts: ACCOUNTS });
      const target = await startTarget(name, { subgraphs, accounts: ACCOUNTS });
      try {
        const sample = await measureIdle(crowd, target, load);
        rows.get(row)?.push(sample);
        process.stderr.write(`${row}: ${JSON.stringify(sample)}\n`);
      } catch (error) {
        process.stderr.write(`${row} FAILED: ${error}\n`);
      } finally {
        await Promise.all([target.stop(), subgraphs.stop()]);
      }
    }
  }
  console.log(`\n### ${thousands(options.idle)} idle subscriptions\n\n${idleTable(rows)}`);
}

async function main(): Promise<void> {
  const options = optionsOrExit();
  const crowd = startCrowd();
  const { rounds, seconds, scenarios } = options;
  if (scenarios.some(each => each !== 'idle')) await watched(crowd, options);
  if (scenarios.includes('idle')) await idle(crowd, options);
  console.log(`
Medians of ${rounds} rounds of ${seconds} s (idle: once); ${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}.
The subscribers and the subgraphs run on the same cores, and are not in the gateway's CPU. direct is the subgraph itself,
asked for its own fields only; every other row adds a field of another subgraph to each delivery.`);
  crowd.stop();
}

await main();
