/** Systems as the API says they are, for tests. */
import type { ServiceHealth, System } from './facts.ts';

export const serviceWith = (change: Partial<ServiceHealth> & { name: string }): ServiceHealth => ({
  consumes: [],
  emits: [],
  running: true,
  lagEvents: 0,
  lagSeconds: 0,
  pausedQueues: 0,
  failedJobs: 0,
  faults: 0,
  pendingEvents: 0,
  oldestPendingSeconds: 0,
  ...change,
});

export const ACCOUNT = serviceWith({
  name: 'account',
  consumes: ['balance-updated'],
  emits: ['account-opened', 'deposited', 'withdrawn'],
});
export const BALANCE = serviceWith({
  name: 'balance',
  consumes: ['deposited', 'withdrawn', 'balance-updated'],
  emits: ['balance-updated', 'overdrawn'],
});
export const LAKE = serviceWith({ name: 'lake', consumes: ['*'] });

export const systemWith = (change: Partial<System> = {}): System => ({
  time: '2026-01-31T12:00:00.000Z',
  events: 12,
  flows: [],
  services: [ACCOUNT, BALANCE, LAKE],
  servers: [
    { name: 'mongodb', state: 'OK', roundTripMs: 1 },
    { name: 'redis', state: 'OK', roundTripMs: 1 },
  ],
  ...change,
});
