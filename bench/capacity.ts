/**
 * What a system can carry: a calculation from costs that were measured. Pure. The model is one of utilisation: each part does so
 * much work a deposit, has so many cores, and is full when it works `FULL` of the time.
 */

/** Milliseconds of CPU a deposit, by part; and bytes that stay. */
export type Costs = {
  cpuMs: Readonly<Record<string, number>>;
  /** Of what no second process can take over while the first runs: a relay, the lake's chain. Part of `cpuMs`. */
  singleMs: Readonly<Record<string, number>>;
  /** Documents with their indexes in MongoDB. */
  storedBytes: number;
  /** Redis keeps what waits; its file is rewritten. */
  appendedBytes: number;
};

/** How many processes of each part; one where it is not named. A process of Node, and Redis, use one core. */
export type Fleet = { processes: Readonly<Record<string, number>>; cores?: number };

export type Limit = { part: string; perSecond: number; why: string };

/** Above this share of a core, waiting grows faster than work. */
export const FULL = 0.7;
const SECOND_MS = 1_000;
const DAY_SECONDS = 86_400;

/** What each part can carry, the first to be full first. */
export function limitsOf({ cpuMs, singleMs }: Costs, { processes, cores }: Fleet, full = FULL): Limit[] {
  const own = Object.entries(cpuMs).map(([part, ms]) => {
    const count = processes[part] ?? 1;
    return { part, perSecond: (count * SECOND_MS * full) / ms, why: `${count} × 1 core` };
  });
  const single = Object.entries(singleMs).map(([part, ms]) => ({
    ...{ part, perSecond: (SECOND_MS * full) / ms, why: 'one at a time' },
  }));
  const all = Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0);
  const shared =
    cores === undefined
      ? []
      : [{ part: 'machine', perSecond: (cores * SECOND_MS * full) / all, why: `${cores} cores` }];
  return [...own, ...single, ...shared].sort((one, other) => one.perSecond - other.perSecond);
}

/** Processes, cores, and bytes a day that a rate needs. */
export function needsOf(costs: Costs, perSecond: number) {
  const parts = Object.entries(costs.cpuMs).map(([part, ms]) => {
    const cores = (perSecond * ms) / SECOND_MS;
    return { part, cores, processes: Math.max(1, Math.ceil(cores / FULL)) };
  });
  // What is one at a time has to be divided: so many services, lakes, or shards of one.
  const divided = Object.entries(costs.singleMs)
    .map(([part, ms]) => ({ part, into: Math.ceil((perSecond * ms) / (SECOND_MS * FULL)) }))
    .filter(({ into }) => into > 1);
  return {
    parts,
    divided,
    cores: parts.reduce((sum, part) => sum + part.cores, 0),
    storedBytesADay: costs.storedBytes * perSecond * DAY_SECONDS,
  };
}

/**
 * How fast a backlog of one service is worked off by several of its processes on one machine, where all parts that take part share
 * the cores.
 *
 * @param service what the backlog waits for. Each of the other parts is one process with one thread.
 * @param part of a core, that each process of the service may use.
 */
export function drainRate(
  costs: Pick<Costs, 'cpuMs'>,
  service: string,
  { count, part, cores }: { count: number; part: number; cores: number },
): number {
  const all = Object.values(costs.cpuMs).reduce((sum, ms) => sum + ms, 0);
  const others = Object.entries(costs.cpuMs).filter(([name]) => name !== service);
  const threads = Math.max(...others.map(([, ms]) => ms), 0);
  return Math.min(
    (count * part * SECOND_MS) / (costs.cpuMs[service] ?? Number.POSITIVE_INFINITY),
    SECOND_MS / threads,
    (cores * SECOND_MS) / all,
  );
}
