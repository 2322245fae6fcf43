/**
 * How much room accounts have left until their balance cannot be counted exactly any more, as far as this process knows: most have
 * so much that a usual deposit need not look.
 */
import { createCache } from '../../events/cache.ts';

/**
 * An account with less than this is not looked at again for a minute before a usual deposit: it would take tens of thousands of them to
 * come near what can be counted.
 */
const ROOMY_MINOR = 2 ** 52;
/** Of what other processes do meanwhile nothing is known. */
const ROOMY_MS = 60_000;
const ROOMY_ACCOUNTS_MAX = 100_000;
/** What is more is no usual deposit. */
const USUAL_MINOR = 100_000_000_000;

/** What is known of accounts. */
export type Room = {
  /** Whether so much can be paid in without a look at the account. */
  isThereFor(accountId: string, amountMinor: number): boolean;
  /** What an account will have by what is about to be paid in: to be said whenever somebody had to look before. */
  note(accountId: string, availableMinor: number): void;
};

/** Knows nothing yet. */
export function createRoom(): Room {
  const roomy = createCache<true>(ROOMY_ACCOUNTS_MAX, ROOMY_MS);
  return {
    isThereFor: (accountId, amountMinor) => amountMinor <= USUAL_MINOR && roomy.has(accountId),
    note(accountId, availableMinor) {
      if (availableMinor < ROOMY_MINOR) roomy.set(accountId, true);
      else roomy.delete(accountId);
    },
  };
}
