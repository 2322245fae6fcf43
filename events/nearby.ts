/**
 * Consumers nearby: what a consumer of the same process can take need not go through Redis. The queue is for everybody else, for
 * whatever was not handled when it was handed over, and for what a process may have died of.
 *
 * Guarantees: a letter counts as handled only when the consumer has done with it what it does with a job, and what it gets is
 * what it would get from the queue. A queue that is paused, or has another owner, gets nothing past it. Does not guarantee that a
 * letter that was not handled was not begun.
 */
import type { Delivered, Transport } from './transport.ts';

type Consumer = {
  handle(job: Delivered): Promise<void>;
  /** Letters at a time. */
  concurrency: number;
  atHand: Set<Promise<boolean>>;
};

/**
 * The transport of a second thread, whose consumers take what is handed to them there and nothing else: the queues are the first
 * one's, and so is the service's place among its processes.
 */
export function onlyNearby<T extends Transport>(transport: T): T & Required<Pick<Transport, 'hand'>> {
  const nearby = withNearby({ ...transport, work: () => ({ close: async () => undefined }) });
  // Nobody by name only looks, and sees which queues are paused.
  return { ...nearby, look: service => nearby.announce(service, '') };
}

/** The same transport, by which the consumers of this process are near each other. */
export function withNearby<T extends Transport>(transport: T): T & Required<Pick<Transport, 'hand'>> {
  const consumers = new Map<string, Consumer>();
  const paused = new Map<string, readonly number[]>();
  const placeOf = (service: string, partition: number) => `${service}/${partition}`;

  return {
    ...transport,

    hand({ service, partition, ...job }, { jobId = '', isGivenAway = false } = {}) {
      const consumer = consumers.get(placeOf(service, partition));
      const isPaused = paused.get(service)?.includes(partition) === true;
      if (!consumer || isPaused || consumer.atHand.size >= consumer.concurrency) return undefined;
      const { atHand, handle } = consumer;
      // As it would come from the queue, and nobody else's.
      const data = isGivenAway ? job : JSON.parse(JSON.stringify(job));
      const handled = handle({ id: jobId, data, deaths: 0 }).then(
        () => true,
        () => false,
      );
      atHand.add(handled);
      void handled.then(() => atHand.delete(handled));
      return handled;
    },

    work(options) {
      const { service, partition, concurrency, handle } = options;
      const place = placeOf(service, partition);
      const worker = transport.work(options);
      const consumer: Consumer = { handle, concurrency, atHand: new Set() };
      consumers.set(place, consumer);
      return {
        async close() {
          if (consumers.get(place) === consumer) consumers.delete(place);
          await Promise.all([worker.close(), ...consumer.atHand]);
        },
      };
    },

    async announce(service, member) {
      const roll = await transport.announce(service, member);
      paused.set(service, roll.paused);
      return roll;
    },
  };
}
