/**
 * Carries over, from the outbox that is served to the one of a copy, what has been published lately or is still to be published, with
 * its marks: the lake need not have it yet, and a consumer may have to be sent it again.
 */
import type { Collection } from 'mongodb';
import { ignoreDuplicates } from './errors.ts';
import { chunk } from './group.ts';
import type { OutboxEntry } from './outbox.ts';
import { applyRules, type Rule } from './rule.ts';

const CARRIED_AT_ONCE = 500;

/**
 * Begins with nothing carried.
 *
 * @param rules of the copy: what they hold against an event stands.
 * @returns to be called with a flush to begin after, and again to go on from where it was.
 */
export function startCarrying(
  from: Collection<OutboxEntry>,
  to: Collection<OutboxEntry>,
  rules: readonly Rule[],
): (since?: number) => Promise<void> {
  let after = 0;

  async function some(entries: readonly OutboxEntry[]): Promise<void> {
    await applyRules(
      rules,
      entries.map(({ event }) => event),
      { replay: false },
    );
    const writes = entries.map(({ _id, pending, relayed, fence, ...row }) => ({
      updateOne: {
        filter: { _id },
        update: {
          $setOnInsert: row,
          ...(pending === undefined ? { $unset: { pending: '' as const } } : { $set: { pending } }),
          ...(relayed !== undefined && { $set: { relayed, ...(fence !== undefined && { fence }) } }),
        },
        upsert: true,
      },
    }));
    await to.bulkWrite(writes, { ordered: false }).catch(ignoreDuplicates);
  }

  return async (since = after): Promise<void> => {
    after = Math.max(after, since);
    // What is pending first: it may be published meanwhile, and is then found among what was.
    const pending = await from.find({ pending: { $exists: true } }).toArray();
    for (const part of chunk(pending, CARRIED_AT_ONCE)) await some(part);
    let part: OutboxEntry[] = [];
    for await (const entry of from.find({ relayed: { $gte: after } }).sort({ relayed: 1 })) {
      after = Math.max(after, entry.relayed ?? 0);
      part.push(entry);
      if (part.length < CARRIED_AT_ONCE) continue;
      await some(part);
      part = [];
    }
    if (part.length > 0) await some(part);
  };
}
