/** What the process of the subscribers is told, and what it tells. */

/** Who subscribes, and to what. */
export type Audience = {
  url: string;
  subscribers: number;
  /** Subscriptions on one socket. */
  perSocket: number;
  /** All watch `a1`, as one caller; or the n-th socket is a caller of its own, and the n-th subscription watches `a<n>`. */
  watching: 'one' | 'own';
  /** What is selected of the account. */
  selection: string;
};

/** Each is answered by a tally. */
export type Order = { kind: 'open'; audience: Audience } | { kind: 'count' | 'report' | 'reset' | 'close' };

/** What has arrived since the last reset. */
export type Tally = {
  /** Whole deliveries, without errors. */
  deliveries: number;
  /** When this was counted, by the clock of all tallies. */
  atMs: number;
  /** What came instead of deliveries. */
  failures: number;
  firstFailure?: string;
  /** From the change to its arrival; in a report only. */
  latency?: Latency;
};

export type Latency = { p50Ms: number; p99Ms: number; maxMs: number };
