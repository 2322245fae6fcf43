/** What the processes of a system use while something goes on. */
import { allocatedBy, cpuOf } from '../measure.ts';
import type { Member } from './system.ts';

export type Usage = { cpuMs: Record<string, number>; memoryMb: Record<string, number> };

const BYTES = 1e6;

/** @returns how to learn what the processes have used since; those that have ended or come meanwhile are left out. */
export function usage(members: readonly Member[]): () => Usage {
  const before = members.map(member => ({ ...member, cpuMs: cpuOf([member.pid]) }));
  return () => ({
    cpuMs: Object.fromEntries(before.map(({ name, pid, cpuMs }) => [name, cpuOf([pid]) - cpuMs])),
    memoryMb: Object.fromEntries(before.map(({ name, pid }) => [name, allocatedBy([pid]) / BYTES])),
  });
}

/** MongoDB's server is no child of the system's process, so nobody is counted twice. */
export const sumOf = (values: Readonly<Record<string, number>>): number =>
  Object.values(values).reduce((all, value) => all + value, 0);
