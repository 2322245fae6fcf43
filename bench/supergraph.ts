/** The schemas of a measurement, modelled on the system's own, and the supergraph that they compose to. */
import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { SUBGRAPHS, type SubgraphName } from './subgraphs/bank.ts';

/** Where each subgraph answers. */
export type SubgraphUrls = Record<SubgraphName, string>;

/** The SDL of a subgraph. */
export const sdlOf = (name: SubgraphName): string =>
  readFileSync(new URL(`subgraphs/${name}.graphql`, import.meta.url), 'utf8');

/** The file of it, for gateways that compose for themselves. */
export const sdlFileOf = (name: SubgraphName): URL => new URL(`subgraphs/${name}.graphql`, import.meta.url);

/** @returns the supergraph's SDL with the addresses in it. */
export function composeBench(urls: SubgraphUrls): string {
  const services = SUBGRAPHS.map(name => ({ name, url: urls[name], typeDefs: parse(sdlOf(name)) }));
  const { errors, supergraphSdl } = composeServices(services);
  if (!supergraphSdl) throw new Error(`the subgraphs of the measurement do not compose: ${errors?.join('\n')}`);
  return supergraphSdl;
}
