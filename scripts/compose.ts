import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { readSdl, serviceNames } from '../subgraphs/catalog.ts';

export const supergraphFile = new URL('../schema/supergraph.graphql', import.meta.url);

export type SubgraphText = { name: string; sdl: string };

/** The SDL of every service, as it stands in its folder. */
export function subgraphTexts(): SubgraphText[] {
  return serviceNames().map(name => ({ name, sdl: readSdl(name) }));
}

/**
 * Composes subgraphs, every `subgraphs/<name>/schema.graphql` when none are given, into one supergraph.
 *
 * @returns the supergraph SDL, the same text for the same subgraphs.
 * @throws when the subgraphs do not fit together, with every composition error on a line of its own.
 */
export function composeSupergraph(subgraphs: readonly SubgraphText[] = subgraphTexts()): string {
  const services = subgraphs.map(({ name, sdl }) => ({
    name,
    // The real address is the gateway's configuration; the supergraph only needs one that is well formed.
    url: `http://${name}/graphql`,
    typeDefs: parse(sdl),
  }));
  const { errors, supergraphSdl } = composeServices(services);
  if (!supergraphSdl) throw new Error(`The subgraphs do not compose:\n${errors?.join('\n')}`);
  return supergraphSdl;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(supergraphFile, composeSupergraph());
  console.log(`wrote ${fileURLToPath(supergraphFile)}`);
}
