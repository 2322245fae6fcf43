/** Every event type of the system: one file each in `schema/events/`, and `fault`, which the toolkit itself emits. */
import { readdirSync } from 'node:fs';
import type { Contract } from '../events/contract.ts';
import { fault } from '../events/fault.ts';

/** The types that have a file of their own: what was added since is compiled into no program that runs. */
const types = readdirSync(new URL('./events/', import.meta.url))
  .filter(name => name.endsWith('.ts'))
  .map(name => name.slice(0, -'.ts'.length));

/**
 * The newest contract of every type that was there when the process began, by type.
 *
 * @throws when a file does not export the contract that it is named after.
 */
export async function loadContracts(): Promise<Contract[]> {
  const loaded = await Promise.all(types.map(loadContract));
  return [...loaded, fault].sort((a, b) => (a.type < b.type ? -1 : 1));
}

async function loadContract(type: string): Promise<Contract> {
  // Written so that whatever compiles the project sees which files may be meant.
  const exported = Object.values((await import(`./events/${type}.ts`)) as Record<string, unknown>);
  const [found, ...more] = exported.filter(isContract);
  if (found?.type === type && more.length === 0) return found;
  throw new Error(
    `schema/events/${type}.ts must export one contract, of the type "${type}", and none of the versions before`,
  );
}

function isContract(value: unknown): value is Contract {
  return typeof value === 'object' && value !== null && 'type' in value && 'version' in value && 'data' in value;
}
