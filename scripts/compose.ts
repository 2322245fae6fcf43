import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { readSdl, serviceNames } from '../subgraphs/catalog.ts';

export const supergraphFile = new URL('../schema/supergraph.graphql', import.meta.url);

/**
 * Composes every `subgraphs/<name>/schema.graphql` into one supergraph.
 *
 * @returns the supergraph SDL, the same text for the same subgraphs.
 * @throws when the subgraphs do not fit together, with every composition error on a line of its own.
 */
export function composeSupergraph(): string {
  const services = serviceNames().map(name => ({
    name,
    // The real address is the gateway's configuration; the supergraph only needs one that is well formed.
    url: `http://${name}/graphql`,
    typeDefs: parse(readSdl(name)),
  }));
  const { errors, supergraphSdl } = composeServices(services);
  if (!supergraphSdl) throw new Error(`The subgraphs do not compose:\n${errors?.join('\n')}`);
  return supergraphSdl;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(supergraphFile, composeSupergraph());
  console.log(`wrote ${fileURLToPath(supergraphFile)}`);
}
