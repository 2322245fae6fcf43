/** From the name of a service to what goes with it: the reverse of plan.ts. Nothing is written here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApiOf, type Party } from '../../schema/asyncapi.ts';
import { loadContracts } from '../../schema/catalog.ts';
import { composeSupergraph, subgraphTexts } from '../compose.ts';
import { asyncApiText, versionOfProject } from '../generate.ts';
import { lastRelease } from '../release.ts';
import { manifestOf, undeployed } from './deployment.ts';
import { read, root, services } from './plan.ts';
import type { Files } from './write.ts';

/** What goes: files that are written without the service, and files and folders that are no more. */
export type Removal = { written: Files; removed: readonly string[] };

/** Those that Tributary comes with: its tools and tests count on each of them. */
const OWN = ['account', 'balance', 'lake', 'reporting', 'transfer'];

/** @returns why a service cannot be removed, a sentence each; nothing when it can. Pure. */
export function removalProblems(name: string, parties: readonly Party[], hasPlace: boolean): string[] {
  if (OWN.includes(name)) return [`"${name}" belongs to Tributary itself, and stays.`];
  const others = parties.filter(party => party.name !== name);
  if (others.length === parties.length && !hasPlace) {
    const there = others.map(other => other.name).filter(other => !OWN.includes(other));
    return [`There is no service "${name}" to remove${there.length > 0 ? `; there are: ${there.join(', ')}` : ''}.`];
  }
  const types = typesOf(name, parties);
  return others.flatMap(({ name: other, consumes }) =>
    (consumes === 'everything' ? [] : consumes)
      .filter(({ type }) => types.includes(type))
      .map(({ type }) => `${other} consumes ${type}, which nobody else emits: change or remove that service first.`),
  );
}

/** The event types that a service emits, and no other one does. */
function typesOf(name: string, parties: readonly Party[]): string[] {
  const emittedBy = (own: boolean) =>
    parties.filter(party => (party.name === name) === own).flatMap(({ emits }) => emits.map(({ type }) => type));
  const others = emittedBy(false);
  return emittedBy(true).filter(type => !others.includes(type));
}

/** Types whose contract stays: what was released is promised, and is read for ever. */
function releasedOf(types: readonly string[]): string[] {
  const released = Object.keys(lastRelease().events).map(key => key.replace(/\.\d+$/, ''));
  return types.filter(type => released.includes(type));
}

/**
 * @returns what goes with a service, and the types whose contracts stay.
 * @throws with why it cannot be removed, or when the others do not compose without it.
 */
export async function planRemoval(name: string): Promise<Removal & { kept: readonly string[] }> {
  const parties = await services();
  // Its folder may have been removed by hand before.
  const places = undeployed(read, name);
  const problems = removalProblems(name, parties, places.length > 0);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const types = typesOf(name, parties);
  const kept = releasedOf(types);
  const gone = types.filter(type => !kept.includes(type));
  const contracts = (await loadContracts()).filter(({ type }) => !gone.includes(type));
  const others = parties.filter(party => party.name !== name);
  const subgraphs = subgraphTexts().filter(subgraph => subgraph.name !== name);
  const removed = [`subgraphs/${name}`, ...gone.map(type => `schema/events/${type}.ts`), manifestOf(name)];
  return {
    kept,
    removed: removed.filter(path => existsSync(join(root, path))),
    written: new Map([
      ['schema/supergraph.graphql', composeSupergraph(subgraphs)],
      ['schema/asyncapi.json', asyncApiText(asyncApiOf(contracts, others, versionOfProject()))],
      ...places,
    ]),
  };
}
