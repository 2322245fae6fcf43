/**
 * Verifying the lake: computes the hash chain anew, in whole or in part, and holds it to the signed checkpoints. It finds
 * an event that was changed, removed, inserted or swapped, its id and its position included; rows that were put beside the
 * chain, when it looks at the whole lake; and rows that were cut off at the end, as far as a checkpoint covers them.
 * `storedAt` is no part of the chain.
 */
import type { Collection, Filter } from 'mongodb';
import { clientError } from '../../schema/errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { GENESIS, hashAfter } from './hash.ts';
import { CHAIN } from './query.ts';
import type { LakeRow } from './store.ts';

/**
 * `events`: how many the lake holds, or the part that was asked for. `head`: the hash of the last that was looked at.
 * `firstBadPosition`: where it shows that something is not as it was.
 */
export type Verification = { valid: boolean; events: number; head: string; firstBadPosition: number | null };

/** Positions, both included; the whole lake when absent. */
export type Part = { from?: number | null | undefined; to?: number | null | undefined };

/** Rows in memory: one batch at work, one on its way. */
const BATCH = 1_000;

/** Rows that stand at no position, which filters would find all the same. */
const BESIDE_THE_CHAIN: Filter<LakeRow> = { $or: [{ chain: { $ne: CHAIN } }, { version: { $not: { $gte: 1 } } }] };

/**
 * @param size how many events the lake holds.
 * @param checkpoints those recorded, with what is wrong with each by itself: see checkpoint.ts.
 * @throws BAD_USER_INPUT for a part that cannot be.
 */
export async function verifyChain(
  options: {
    rows: Collection<LakeRow>;
    size: () => Promise<number>;
    checkpoints: () => Promise<readonly (Checkpoint & { genuine: boolean })[]>;
  },
  part: Part = {},
): Promise<Verification> {
  const { rows, size, checkpoints } = options;
  const from = part.from ?? 1;
  if (from < 1) throw clientError('BAD_USER_INPUT', `from: the first position is 1, not ${from}.`);
  if (typeof part.to === 'number' && part.to < from)
    throw clientError('BAD_USER_INPUT', 'to: must not be before from.');
  // Before the size: what a checkpoint covers is in the lake by then.
  const recorded = await checkpoints();
  // The position of a row that was tampered with may be anything.
  const held = Math.trunc(Number(await size())) || 0;
  if (from > held + 1) throw clientError('BAD_USER_INPUT', `from: the lake has ${held} events.`);
  const end = Math.min(held, part.to ?? held);
  const covering = new Map(
    recorded
      .filter(({ position }) => position >= from && position <= (part.to ?? position))
      .map(checkpoint => [checkpoint.position, checkpoint]),
  );
  const bad = (position: number, head: string): Verification => ({
    ...{ valid: false, events: end - from + 1, head, firstBadPosition: position },
  });

  function read(first: number): Promise<LakeRow[]> {
    // Up to where the next batch begins: what was put between two positions is in one of them.
    const version = { $gte: first, $lt: Math.min(first + BATCH, end + 1) };
    const batch = rows
      .find({ chain: CHAIN, version })
      .sort({ version: 1 })
      // One more than there can be says that there are too many, however many.
      .limit(BATCH + 1)
      .batchSize(BATCH + 2)
      .toArray();
    // It is awaited later, or never.
    batch.catch(() => undefined);
    return batch;
  }

  let hash = GENESIS;
  if (from > 1) {
    const before = await rows.findOne({ chain: CHAIN, version: from - 1 });
    if (!before) return bad(from - 1, hash);
    hash = before.hash;
  }
  let next = read(from);
  for (let first = from; first <= end; first += BATCH) {
    const batch = await next;
    // The server reads while this process computes.
    if (first + BATCH <= end) next = read(first + BATCH);
    const count = Math.min(BATCH, end - first + 1);
    for (let at = 0; at < Math.max(count, batch.length); at++) {
      const row = batch[at];
      const position = first + at;
      if (!row || at >= count) return bad(Math.min(position, end), hash);
      const expected = isJson(row.event) ? hashAfter(hash, row.event) : undefined;
      const sound = row.version === position && row.hash === expected && row._id === row.event.id;
      const checkpoint = covering.get(position);
      if (!sound || (checkpoint && !(checkpoint.genuine && checkpoint.hash === expected)))
        return bad(position, String(row.hash));
      hash = row.hash;
    }
  }
  const cutOff = [...covering.keys()].some(position => position > held);
  if (cutOff) return bad(held + 1, hash);
  const isWhole = from === 1 && end === held;
  const stray = isWhole ? await rows.findOne(BESIDE_THE_CHAIN) : null;
  if (stray) return bad(Math.min(Math.max(1, Math.trunc(Number(stray.version)) || 1), held + 1), hash);
  return { valid: true, events: end - from + 1, head: hash, firstBadPosition: null };
}

/** Of what JSON has alone: a date of the database's, say, has the text of what it stands for as canonical JSON, and is not it. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isJson);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson);
}
