/**
 * Partitions and their owners: pure. A service's events are spread over as many queues as it has processes, by subject, and
 * each queue is taken from by one of them, so that processes do not meet at the same rows.
 *
 * Ownership is for speed and never for truth: it is what each process makes of who was there when it last looked. Two that
 * disagree for a moment take from the same queue, or leave one alone for a moment, and nothing worse: events may come
 * twice and in any order anyhow, and unique indexes decide.
 */
import { crc32 } from 'node:zlib';
import type { Event } from './event.ts';

/** Queues of a service at most. What waits for a service is looked for in all of them. */
export const PARTITIONS_MAX = 16;

/** At most so many processes of a service share its work unless it says otherwise. */
export const PARTITIONS_DEFAULT = 8;

/**
 * The queue that an event goes to: of all, the one with the highest weight for its subject (rendezvous hashing; Thaler and
 * Ravishankar, 1998). One queue more takes its share evenly from the others, and no event moves between those.
 *
 * @param partitions how many there are; 1 to 16.
 */
export function partitionOf(event: Pick<Event, 'id' | 'subject'>, partitions: number): number {
  if (partitions === 1) return 0;
  const hash = crc32(event.subject ?? event.id);
  let [chosen, highest] = [0, -1];
  for (let partition = 0; partition < partitions; partition++) {
    const weight = mixed(hash ^ Math.imul(partition + 1, 0x9e3779b1));
    if (weight > highest) [chosen, highest] = [partition, weight];
  }
  return chosen;
}

/**
 * Where an event goes within a process, of a few ways side by side. Lanes of one number divide those of its multiples: what
 * shares one of 64 shares one of 4.
 */
export function laneOf(event: Pick<Event, 'id' | 'subject'>, lanes: number): number {
  return crc32(event.subject ?? event.id) % lanes;
}

/** All 32 bits from all 32 bits (the finalizer of MurmurHash3). */
function mixed(bits: number): number {
  const once = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

/**
 * Over how many queues a service's events are spread now: one a process, so that one process pays for no more than one. While
 * there is none, over as many as there may be: then whoever comes finds something to share.
 *
 * @param limit the service's own. @param members how many of its processes there are.
 */
export function spreadOver(limit: number, members: number): number {
  return members === 0 ? limit : Math.min(limit, members);
}

/**
 * Who takes from a queue, of all the queues there may be.
 *
 * @param members a service's processes, in one order for all who ask; those who came first stay where they are when more come.
 * @returns undefined when there is nobody.
 */
export function ownerOf(partition: number, members: readonly string[]): string | undefined {
  return members[partition % members.length];
}

/**
 * The queues that a process takes from: of those in use, and of those that still hold something, its own.
 *
 * @param holding those with jobs in them, in use or not.
 */
export function ownedBy(
  member: string,
  { members, holding, limit }: { members: readonly string[]; holding: readonly number[]; limit: number },
): number[] {
  const used = Array.from({ length: spreadOver(limit, members.length) }, (_, partition) => partition);
  return [...new Set([...used, ...holding])].filter(partition => ownerOf(partition, members) === member);
}
