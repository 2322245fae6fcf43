/** Measures gateways in turn. */
import { load } from './load.ts';
import { cpuOf, median, quantile } from './measure.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import type { Options } from './options.ts';

/** What is asked: a gateway, or a subgraph without one. */
export type Target = { name: string; url: string; pids: readonly number[] };

/** One go: requests in a second, the target's CPU for each, and how long half of them took at most. */
export type Sample = { perSecond: number; cpuMs: number; p50Ms: number };

/** Asked of every gateway, with many requests on their way. */
export const QUERIES = [OPERATIONS.one, OPERATIONS.two];
/** One after the other: what counts is how long it takes. */
const ALONE = 1;

type Go = { target: Target; operation: Operation; connections: number; seconds: number };

/** What was measured of a target and an operation: the median of all rounds. */
export type Medians = (target: Target, operation: Operation) => Sample;

const keyOf = (target: Target, operation: Operation): string => `${target.name}, ${operation.title}`;

/**
 * Warms all up, then takes the rounds.
 *
 * @param direct a subgraph, which answers mutations as the gateways do.
 */
export async function takeSamples(
  gateways: readonly Target[],
  direct: Target,
  token: string,
  options: Options,
): Promise<Medians> {
  const { rounds, seconds, warmup, connections } = options;
  const samples = new Map<string, Sample[]>();
  const mutated = [direct, ...gateways];
  const goes = (targets: readonly Target[], operation: Operation, how: Pick<Go, 'connections' | 'seconds'>): Go[] =>
    targets.map(target => ({ target, operation, ...how }));

  const many = { connections, seconds: warmup };
  const first = [...QUERIES.flatMap(query => goes(gateways, query, many)), ...goes(mutated, OPERATIONS.deposit, many)];
  for (const go of first) await take(go, token);

  for (let round = 1; round <= rounds; round++) {
    // Forth and back, so that nobody always comes after the same one.
    const inTurn = (targets: readonly Target[]) => (round % 2 === 1 ? targets : targets.toReversed());
    const all = [
      ...QUERIES.flatMap(query => goes(inTurn(gateways), query, { connections, seconds })),
      ...goes(inTurn(mutated), OPERATIONS.deposit, { connections: ALONE, seconds: seconds / 2 }),
    ];
    for (const go of all) {
      const sample = await take(go, token);
      const key = keyOf(go.target, go.operation);
      samples.set(key, [...(samples.get(key) ?? []), sample]);
      process.stderr.write(`${round}/${rounds}  ${key}: ${shown(sample)}\n`);
    }
  }
  return (target, operation) => {
    const taken = samples.get(keyOf(target, operation)) ?? [];
    const of = (field: keyof Sample): number => median(taken.map(sample => sample[field]));
    return { perSecond: of('perSecond'), cpuMs: of('cpuMs'), p50Ms: of('p50Ms') };
  };
}

async function take({ target, ...go }: Go, token: string): Promise<Sample> {
  const before = cpuOf(target.pids);
  const { requests, seconds, latenciesMs } = await load({ url: target.url, token, ...go });
  const cpuMs = (cpuOf(target.pids) - before) / requests;
  return { perSecond: requests / seconds, cpuMs, p50Ms: quantile(latenciesMs, 0.5) };
}

const shown = ({ perSecond, cpuMs, p50Ms }: Sample): string =>
  `${perSecond.toFixed(0)} requests/s, ${cpuMs.toFixed(3)} ms CPU each, p50 ${p50Ms.toFixed(3)} ms`;
