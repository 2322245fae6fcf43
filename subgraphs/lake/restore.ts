/**
 * Reads an export of the whole lake (export.ts) back into a lake that is empty, or that holds the beginning of the same
 * export: event by event the same order, positions and hashes. `storedAt` is when this lake stored it.
 */
import { z } from 'zod';
import { ContractViolation } from '../../events/errors.ts';
import { type Event, parseEnvelope } from '../../events/event.ts';
import { GENESIS, hashAfter } from './hash.ts';
import type { Lake } from './store.ts';

/** What is wrong with an export, for people: one line. */
export class BrokenExport extends Error {
  override name = 'BrokenExport';
}

/** One line of an export. */
export type Exported = { event: Event; position: number; hash: string };

const BATCH_EVENTS = 1_000;

const line = z.looseObject({
  lakeposition: z.int().min(1),
  lakehash: z.string().regex(/^[\da-f]{64}$/),
});

/** @param number which line it is, from 1. @throws BrokenExport that names the line. */
export function parseLine(text: string, number: number): Exported {
  const parsed = line.safeParse(jsonOf(text, number));
  if (!parsed.success) throw new BrokenExport(`Line ${number}: no event with its lakeposition and lakehash.`);
  const { lakeposition: position, lakehash: hash, ...event } = parsed.data;
  try {
    return { event: parseEnvelope(event), position, hash };
  } catch (error) {
    if (!(error instanceof ContractViolation)) throw error;
    throw new BrokenExport(`Line ${number}: ${error.message}.`);
  }
}

function jsonOf(text: string, number: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BrokenExport(`Line ${number}: no JSON. Is the export whole?`);
  }
}

/**
 * The events of an export, each proved to follow the one before: its position is the next, and its hash is that of the
 * whole lake up to it.
 *
 * @throws BrokenExport at the first that does not.
 */
export async function* readExport(lines: AsyncIterable<string>): AsyncGenerator<Exported> {
  let before: Pick<Exported, 'position' | 'hash'> = { position: 0, hash: GENESIS };
  let number = 0;
  for await (const text of lines) {
    const exported = parseLine(text, ++number);
    const { event, position, hash } = exported;
    if (position !== before.position + 1) {
      throw new BrokenExport(
        `Line ${number}: position ${position} where ${before.position + 1} belongs. Only an export of the whole lake can be imported, without a filter and from its beginning.`,
      );
    }
    if (hash !== hashAfter(before.hash, event)) {
      throw new BrokenExport(`Position ${position}: the event is not the one that its lakehash was made of.`);
    }
    before = exported;
    yield exported;
  }
}

/**
 * Stores what the lake does not have yet.
 *
 * @param stored is told how far it has got, now and then.
 * @throws BrokenExport when the lake holds something else, or comes to, while this goes on. It may be called again after any
 *   other error, with the same export: it goes on where it was.
 */
export async function restoreLake(
  lake: Lake,
  exported: AsyncIterable<Exported>,
  stored: (position: number) => void,
): Promise<void> {
  const size = await lake.size();
  let position = 0;
  let batch: Exported[] = [];
  const store = async () => {
    await lake.store(batch.map(({ event }) => event));
    const last = batch.at(-1);
    batch = [];
    if (!last) return;
    await assertHead(lake, last);
    stored(last.position);
  };
  for await (const next of exported) {
    position = next.position;
    if (position === size) await assertHead(lake, next);
    if (position <= size) continue;
    batch.push(next);
    if (batch.length === BATCH_EVENTS) await store();
  }
  await store();
  if (position < size) throw new BrokenExport(`The lake has ${size} events already, and the export ${position}.`);
}

async function assertHead({ after }: Lake, { position, hash }: Exported): Promise<void> {
  const [row, beyond] = await after(position - 1, undefined, 2);
  if (row?.hash === hash && !beyond) return;
  throw new BrokenExport(
    `Position ${position}: the lake holds another event there, or more than the export. Somebody else writes to it, or the export holds an event twice.`,
  );
}
