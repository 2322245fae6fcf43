/**
 * Measures: what the stages of a service count of themselves. A port, as tracing is: the toolkit knows no metrics library.
 * Each call is a few additions; none waits, and none throws.
 */

/** A value of a gauge and the labels that it has. */
export type Reading = { labels?: Readonly<Record<string, string>>; value: number };

/** What is counted and timed on the way of an event. */
export type Measures = {
  /** Events of a type were stored in the outbox. */
  stored(type: string, events: number): void;
  /** A flush was sent on. @param waitedSeconds how long the oldest of its events had been in the outbox. */
  relayed(events: number, seconds: number, waitedSeconds: number): void;
  /** Events were made pending again, because a queue had lost them or was new. */
  recovered(events: number): void;
  /** A batch was handled. @param ageSeconds how long ago the oldest of its events happened. */
  handled(kind: string, events: number, seconds: number, ageSeconds: number): void;
  /** A batch failed, and its events go one by one. */
  batchFailed(): void;
  /** An event was set aside: it broke its contract, or could not be handled. */
  setAside(reason: 'contract' | 'handling'): void;
  /** Asks for a gauge of the service's own whenever somebody wants to know; what fails is left out. */
  sample(name: string, read: () => Promise<readonly Reading[]>): void;
};

/** Nobody counts. */
export const unmeasured: Measures = {
  stored: () => undefined,
  relayed: () => undefined,
  recovered: () => undefined,
  handled: () => undefined,
  batchFailed: () => undefined,
  setAside: () => undefined,
  sample: () => undefined,
};
