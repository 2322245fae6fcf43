/** How a relay's events become jobs in the queues of those that consume them. */
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
   * @param hops the events by what this step is called in their traces: some have gone by already, to others.
   * @returns the connection on which all of it was sent.
   * @throws when the queues cannot be reached: some may have arrived then.
   */
  send(hops: Hops, letters: readonly Letter[]): Promise<number>;
  /**
   * The same, but what consumers of this process can take at once they are handed.
   *
   * @returns the connection on which the rest was sent, undefined where there was none; when all that was handed over has been
   *   handled.
   * @throws also when some was not handled within 2 s.
   */
  hand(hops: Hops, letters: readonly Letter[]): Promise<number | undefined>;
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

    send: (hops, letters) => asStep(hops, letters, jobs => transport.send(jobs)),

    async hand(hops, letters) {
      const handed: Promise<boolean>[] = [];
      const connection = await asStep(hops, letters, async jobs => {
        const rest = jobs.filter(job => {
          const taken = transport.hand?.(job);
          if (taken) handed.push(taken);
          return !taken;
        });
        return rest.length > 0 ? transport.send(rest) : undefined;
      });
      if (handed.length > 0 && !(await areHandled(handed))) throw new Error('not handled yet');
      return connection;
    },
  };

  async function areHandled(handed: readonly Promise<boolean>[]): Promise<boolean> {
    const over = createEnding();
    const inTime = clock.sleep(HANDLED_WITHIN_MS, over).then(() => [false]);
    const handled = await Promise.race([Promise.all(handed), inTime]);
    over.end();
    return handled.every(Boolean);
  }
}
