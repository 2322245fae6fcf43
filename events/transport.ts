/**
 * The transport: what the toolkit needs of queues, whatever they are made of. At-least-once delivery for as long as the
 * queues keep their data; no order; and no promise that they keep it: the transport is disposable, and marks are how a
 * loss is noticed.
 */

/** What travels: an ordered list of events of one partition. */
export type Job = {
  /** The service that sends the events: the one that emitted them, or the lake, which sends them again. */
  source: string;
  /** Events, as far as the sender knows. */
  events: unknown[];
  /** The replay that these events belong to: a service with outward effects leaves them out. */
  replay?: string;
  /** They are chosen: what they belong to may be in the lake, and not among them. */
  part?: true;
  /**
   * They are for the copy of the service's data that this replay builds anew (see generation.ts), and for nothing else. A
   * `trial` changes nothing that is served.
   */
  rebuild?: 'copy' | 'trial';
  /** How often an operator has sent these events again after a fault. */
  resubmission?: number;
  /** Where its events' traces have got to, where somebody looks (see carrying.ts). */
  trace?: Carried;
};

/** What a job says of traces. */
export type Carried = {
  /** The place of the job itself. */
  place: string;
  /** By event, the span of its last step; empty for one that is not traced. Its trace is the event's own. */
  spans: string[];
};

/** A job and the queue that it goes to. */
export type Letter = Job & { service: string; partition: number };

/** A job as it is handed over. */
export type Delivered = {
  id: string;
  data: Job;
  /** How often it was handed over to somebody who neither finished nor gave it back: a process may have died of it. */
  deaths: number;
};

/** How urgent it is. */
export type SendOptions = {
  /** Names the job, so that it is not queued twice while it waits. No colon, not a number. */
  jobId?: string;
  /** Lets live events, which have none, overtake. 1 to 2,097,151. */
  priority?: number;
};

/** What is where a service's queues are, at one moment. */
export type Look = {
  /** The number of the last flush that each source left. */
  marks: Record<string, number>;
  /** The processes of the service that have said within the last 3 s that they are there; those that came first, first. */
  members: readonly string[];
};

/** The same, which queues have jobs in them (those that wait, and those that are being worked on), and which are paused. */
export type Roll = Look & { holding: readonly number[]; paused: readonly number[] };

/** What waits in a service's queues. */
export type Backlog = {
  /** Those of jobs that have failed for good are not among them: nobody is waiting to handle them. */
  events: number;
  oldestMs: number | undefined;
  /** Queues that an operator has paused. */
  paused: number;
  /** Jobs that have failed for good, which no consumer of the toolkit lets happen: somebody else has put them there. */
  failed: number;
};

/** Queues, whatever they are made of. */
export type Transport = {
  /**
   * @returns the connection on which it was sent: while there is no other, the queues have not come back without it.
   * @throws when the queues cannot be reached within 5 s; some letters may have arrived then.
   */
  send(letters: readonly Letter[], options?: SendOptions): Promise<number>;
  /**
   * Hands a letter to the consumer of its queue, where that is in this thread and takes it at once: see nearby.ts.
   *
   * @param how `jobId`: the job's name, where it has one: what a consumer says of a replay it says of that. `isGivenAway`: the
   *   sender has no more use for its events, and nobody else has them, so that they need not be copied.
   * @returns undefined where there is none; else whether it has handled it. What it has not has to be sent. Does not reject.
   */
  hand?(letter: Letter, how?: { jobId?: string; isGivenAway?: boolean }): Promise<boolean> | undefined;
  /**
   * Takes jobs of one queue and hands them over, up to `concurrency` at a time; waits for the queue as long as it takes. A
   * job leaves its queue when `handle` resolves; when it rejects, or its process dies, it is handed over again later.
   */
  work(options: { service: string; partition: number; concurrency: number; handle(job: Delivered): Promise<void> }): {
    /** Takes no more, and resolves when the jobs at hand are finished. */
    close(): Promise<void>;
  };
  /** The jobs that wait in these queues of a service or are being worked on; undefined when some queue has more than `max`. */
  outstanding(
    service: string,
    partitions: readonly number[],
    max: number,
  ): Promise<readonly { partition: number; id: string }[] | undefined>;
  look(service: string): Promise<Look>;
  /** Says that a process of a service is there, and stays so for 3 s; and looks. @param member empty: looks alone. */
  announce(service: string, member: string): Promise<Roll>;
  /** A process of a service takes no more. */
  leave(service: string, member: string): Promise<void>;
  /** The number of the last flush that each source left with a service's queues. */
  marks(service: string): Promise<Record<string, number>>;
  /**
   * Leaves a mark if the one before is still there as expected, and if the connection is still the one given.
   *
   * @returns false when it is not: something was lost, or may be.
   */
  mark(
    service: string,
    source: string,
    expected: number | undefined,
    flush: number,
    connection?: number,
  ): Promise<boolean>;
  /** Leaves a mark whatever was there. */
  resetMark(service: string, source: string, flush: number): Promise<void>;
  /** Removes a service's queues and marks with all that is in them. */
  remove(service: string): Promise<void>;
  backlog(service: string): Promise<Backlog>;
  /** A consumer's word that it is done with a job of a replay, and how many rows that has changed. */
  acknowledge(service: string, replay: string, jobId: string, changed: number): Promise<void>;
  /** The rows that each of these jobs has changed; undefined for one that is not acknowledged, or after a loss. */
  acknowledged(service: string, replay: string, jobIds: readonly string[]): Promise<(number | undefined)[]>;
  close(): Promise<void>;
};
