/** How a relay's events become jobs of those that consume them: handed to them where they are in this process, and queued else. */
import type { Binding } from './binding.ts';
import { pack } from './carrying.ts';
import { type Clock, createEnding } from './clock.ts';
import type { Event } from './event.ts';
import { lettersFor } from './letters.ts';
import { spreadOver } from './partition.ts';
import type { Tenure } from './tenure.ts';
import type { Trail } from './tracing.ts';
import type { Letter, Transport } from './transport.ts';

/** Sends what one service has emitted. */
export type Sender = {
  /**
   * The jobs for some events.
   *
   * @param tenure whose consumers get them, in as many queues as each has now.
   * @param isFor leaves out, for a consumer, what it has already or will get later.
   */
  lettersFor(
    tenure: Pick<Tenure, 'bindings' | 'members'>,
    events: readonly Event[],
    isFor: (binding: Binding, event: Event) => boolean,
  ): Letter[];
  /**
   * Hands jobs to consumers of this process, as far as these take them at once, and queues the others and those that were not handled
   * within 2 s.
   *
   * @param hops the events by what this step is called in their traces: some have gone by already, to others.
   * @returns the connection on which all of it was queued, undefined where there was nothing to queue; when all that was handed over
   *   has been handled.
   * @throws when the queues cannot be reached, or were on one connection after the other: some may have arrived then.
   */
  send(hops: Hops, letters: Letters): Promise<number | undefined>;
};

/** What is sent, by whether it may be handed over. */
type Letters = {
  /** Nobody had it at hand before. */
  first: readonly Letter[];
  /** A process may have died of it: the queue counts how often. */
  again?: readonly Letter[];
};

type Hops = Readonly<Record<string, readonly Event[]>>;

const HANDLED_WITHIN_MS = 2_000;

const RELAYED = { kind: 'producer' } as const;

/** @param options `jobMax`: events a job. */
export function createSender(options: {
  service: string;
  transport: Pick<Transport, 'send' | 'hand'>;
  trail: Trail;
  clock: Clock;
  jobMax: number;
}): Sender {
  const { service, transport, trail, clock, jobMax } = options;

  /** Sends the jobs that these letters are, as a step of their events' traces. */
  async function asStep<T>(
    hops: Hops,
    letters: readonly Letter[],
    send: (jobs: readonly Letter[]) => Promise<T>,
  ): Promise<T> {
    const steps = Object.entries(hops).map(([hop, events]) => trail.begin(hop, events, RELAYED));
    const jobs = pack(trail, letters);
    const begun = [jobs, ...steps];
    try {
      const sent = await send(jobs.letters);
      for (const each of begun) each.end();
      return sent;
    } catch (error) {
      for (const each of begun) each.end(error);
      throw error;
    }
  }

  return {
    lettersFor({ bindings, members }, events, isFor) {
      const spread = bindings.map(binding => ({
        ...binding,
        partitions: spreadOver(binding.partitions, members.get(binding._id) ?? 0),
      }));
      return lettersFor(service, events, spread, jobMax, isFor);
    },

    send: (hops, { first, again = [] }) =>
      asStep(hops, [...again, ...first], async jobs => {
        const queued = jobs.slice(0, again.length);
        const handed: Handed[] = [];
        for (const job of jobs.slice(again.length)) {
          const handled = transport.hand?.(job);
          if (handled) handed.push({ job, handled });
          else queued.push(job);
        }
        const [connection, left] = await Promise.all([queue(queued), leftOf(handed)]);
        const last = await queue(left);
        if (connection !== undefined && last !== undefined && last !== connection) {
          throw new Error('the queues were reached on one connection after the other');
        }
        return last ?? connection;
      }),
  };

  async function queue(jobs: readonly Letter[]): Promise<number | undefined> {
    return jobs.length > 0 ? transport.send(jobs) : undefined;
  }

  /** Those that have not been handled in time. */
  async function leftOf(handed: readonly Handed[]): Promise<Letter[]> {
    if (handed.length === 0) return [];
    const over = createEnding();
    const left = new Set(handed.map(({ job }) => job));
    const handling = handed.map(async ({ job, handled }) => {
      if (await handled) left.delete(job);
    });
    await Promise.race([Promise.all(handling), clock.sleep(HANDLED_WITHIN_MS, over)]);
    over.end();
    return [...left];
  }
}

type Handed = { job: Letter; handled: Promise<boolean> };
