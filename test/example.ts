/** Events for tests, as the contracts' own examples have them. */
import { type Contract, createEvent, type EventDraft } from '../events/contract.ts';
import type { Event } from '../events/event.ts';

/** @param attributes what the test is about; all else is as in the contract's example. */
export function exampleOf<Data>(contract: Contract<Data>, attributes: Partial<EventDraft<Data>> = {}): Event<Data> {
  if (contract.example === undefined) throw new Error(`${contract.type} has no example`);
  return createEvent(contract, {
    ...{ id: `${contract.type} 1`, source: '/example', subject: 'an account', time: '2026-01-31T12:00:00.000Z' },
    data: contract.example,
    ...attributes,
  });
}
