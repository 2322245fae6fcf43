/** Sending faults again, a part at a time, so that it can be seen and stopped. */
import { ask } from '../client.ts';
import { OPEN_FAULTS, RESUBMIT } from './facts.ts';

/** Faults a request. */
const PART = 100;

/** What to send again: these, or all that are open now, of one service or of all. */
export type Chosen = { ids: readonly string[] } | { service: string | null };

type Asks = {
  openFaults(after: string | null): Promise<{ ids: string[]; next: string | null }>;
  resubmit(ids: string[]): Promise<void>;
};

const overTheApi = (service: string | null): Asks => ({
  async openFaults(after) {
    const { nodes, pageInfo } = (await ask(OPEN_FAULTS, { first: PART, after, service })).faults;
    return { ids: nodes.map(({ id }) => id), next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
  },
  resubmit: async ids => void (await ask(RESUBMIT, { ids })),
});

/**
 * Sends faults again. "All" goes from the newest there is now to older ones, so what fails again meanwhile, which is a newer
 * fault, is not sent again and again.
 *
 * @param progress told how many have been sent after each part.
 * @returns how many were sent. @throws Failure; those already sent stay sent, and sending them again changes nothing.
 */
export async function resubmitAll(
  chosen: Chosen,
  progress: (sent: number) => void,
  signal: AbortSignal,
  asks: Asks = overTheApi('service' in chosen ? chosen.service : null),
): Promise<number> {
  let sent = 0;
  async function send(ids: string[]): Promise<void> {
    if (ids.length > 0) await asks.resubmit(ids);
    sent += ids.length;
    progress(sent);
  }
  if ('ids' in chosen) {
    for (let at = 0; at < chosen.ids.length && !signal.aborted; at += PART) await send(chosen.ids.slice(at, at + PART));
    return sent;
  }
  let after: string | null = null;
  do {
    const page: { ids: string[]; next: string | null } = await asks.openFaults(after);
    if (signal.aborted) break;
    await send(page.ids);
    after = page.next;
  } while (after !== null && !signal.aborted);
  return sent;
}
