/**
 * Verifying the lake a part at a time, so that however long it is the reader sees how far it has got, and can stop. Each part
 * follows from the hash before it, which the part before has computed; together they are the whole chain.
 */
import { ask, gql } from '../client.ts';
import { asFailure, type Failure } from '../failure.ts';

export const LAKE_SIZE = gql<{ checkpoint: { position: number; hash: string } }>(/* GraphQL */ `
  query LakeSize { checkpoint { position hash } }
`);

export const VERIFY = gql<
  { verifyLake: { valid: boolean; events: number; head: string; firstBadPosition: number | null } },
  { from: number; to: number | null }
>(/* GraphQL */ `
  query Verify($from: Int, $to: Int) {
    verifyLake(from: $from, to: $to) { valid events head firstBadPosition }
  }
`);

export type Progress = { done: number; total: number; seconds: number };

export type Verdict =
  | (Progress & { name: 'sound'; head: string })
  | (Progress & { name: 'bad'; position: number })
  | (Progress & { name: 'stopped' })
  | (Progress & { name: 'failed'; failure: Failure });

/** What is asked, and a clock in seconds: handed in for tests. */
export type Asks = {
  size(): Promise<{ position: number; hash: string }>;
  part(from: number, to: number | null): Promise<{ valid: boolean; head: string; firstBadPosition: number | null }>;
  seconds(): number;
};

const overTheApi: Asks = {
  size: async () => (await ask(LAKE_SIZE, {})).checkpoint,
  part: async (from, to) => (await ask(VERIFY, { from, to })).verifyLake,
  seconds: () => performance.now() / 1_000,
};

const PART_FIRST = 1_000;
const PART_MAX = 50_000;
/** A part takes about so long: often enough to see it move, seldom enough to cost little. */
const PART_SECONDS = 0.6;

/**
 * Verifies what the lake holds now, and whether rows have been cut off at its end.
 *
 * @param from the first position to look at: 1, or where somebody had stopped.
 * @param progress told after each part.
 */
export async function verify(
  from: number,
  progress: (progress: Progress) => void,
  signal: AbortSignal,
  asks: Asks = overTheApi,
): Promise<Verdict> {
  const startedSeconds = asks.seconds();
  const at: Progress = { done: from - 1, total: from - 1, seconds: 0 };
  try {
    const { position: total, hash } = await asks.size();
    at.total = total;
    progress({ ...at });
    let size = PART_FIRST;
    while (at.done < total && !signal.aborted) {
      const to = Math.min(at.done + size, total);
      const partSeconds = asks.seconds();
      const { valid, head, firstBadPosition } = await asks.part(at.done + 1, to);
      at.seconds = asks.seconds() - startedSeconds;
      if (!valid) return { ...at, name: 'bad', position: firstBadPosition ?? to };
      // What the lake has signed is what its events come to.
      if (to === total && head !== hash) return { ...at, name: 'bad', position: total };
      at.done = to;
      progress({ ...at });
      size = nextSize(size, asks.seconds() - partSeconds);
    }
    if (signal.aborted) return { ...at, name: 'stopped' };
    // Without an end, what a checkpoint covers and the lake has not is missed as well.
    const end = await asks.part(total + 1, null);
    if (!end.valid) return { ...at, name: 'bad', position: end.firstBadPosition ?? total + 1 };
    return { ...at, name: 'sound', head: hash };
  } catch (thrown) {
    return { ...at, name: 'failed', failure: asFailure(thrown) };
  }
}

function nextSize(size: number, tookSeconds: number): number {
  const factor = Math.min(4, Math.max(0.25, PART_SECONDS / Math.max(tookSeconds, 0.01)));
  return Math.min(PART_MAX, Math.max(PART_FIRST, Math.round(size * factor)));
}
