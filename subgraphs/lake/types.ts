/** The catalogue of event types: what the contracts promise, and who emits and consumes each, as the bindings say. */
import { type Bindings, EVERY_TYPE, wants } from '../../events/binding.ts';
import { type Contract, versionsOf, writtenVersionOf } from '../../events/contract.ts';
import { fault } from '../../events/fault.ts';
import { loadContracts } from '../../schema/catalog.ts';
import { type JsonSchema, jsonSchemaOf } from '../../schema/jsonschema.ts';
import type { Retired } from './retired.ts';

type EventVersion = { version: number; description: string; written: boolean; schema: JsonSchema; example: unknown };

export type EventType = { type: string; emittedBy: string[]; consumedBy: string[]; versions: EventVersion[] };

/**
 * By name. A type that only another process knows the contract of is there without versions; so is one that was emitted once,
 * whose events the lake has for ever.
 */
export async function eventTypes(parts: {
  bindings: Pick<Bindings, 'all'>;
  retired: Pick<Retired, 'types'>;
}): Promise<EventType[]> {
  const { bindings, retired } = parts;
  const [contracts, all, once] = await Promise.all([loadContracts(), bindings.all(), retired.types()]);
  const known = new Map(contracts.map(contract => [contract.type, contract]));
  const said = all
    .flatMap(({ emits, emitted = [], consumes }) => [...emits, ...emitted, ...consumes])
    .filter(type => type !== EVERY_TYPE);
  const services = all.sort((a, b) => (a._id < b._id ? -1 : 1));
  return [...new Set([...known.keys(), ...said, ...once])].sort().map(type => ({
    type,
    // Any service may be given what it cannot handle.
    emittedBy: services.filter(({ emits }) => type === fault.type || emits.includes(type)).map(({ _id }) => _id),
    consumedBy: services.filter(service => wants(service, type)).map(({ _id }) => _id),
    versions: versionsIn(known.get(type)),
  }));
}

function versionsIn(contract: Contract | undefined): EventVersion[] {
  if (!contract) return [];
  const written = writtenVersionOf(contract);
  return versionsOf(contract).map(version => ({
    ...{ version: version.version, description: version.description, example: version.example ?? null },
    written: version === written,
    schema: jsonSchemaOf(version),
  }));
}
