/**
 * `npm run compose`: writes what is made of the services and the contracts: the supergraph, the AsyncAPI document, and the
 * types of each service's resolvers. A test says when one of them is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { asyncApiOf, type Party } from '../schema/asyncapi.ts';
import { loadContracts } from '../schema/catalog.ts';
import { loadService, serviceNames } from '../subgraphs/catalog.ts';
import { generatedFile, generateTypesOf } from './codegen.ts';
import { composeSupergraph, supergraphFile } from './compose.ts';

export const asyncApiFile = new URL('../schema/asyncapi.json', import.meta.url);

/** The AsyncAPI document of the services and contracts as they stand in their folders. */
export async function composeAsyncApi(): Promise<string> {
  const services: Party[] = (await Promise.all(serviceNames().map(loadService))).map(({ definition }) => definition);
  return asyncApiText(asyncApiOf(await loadContracts(), services, versionOfProject()));
}

export const asyncApiText = (document: ReturnType<typeof asyncApiOf>): string =>
  `${JSON.stringify(document, null, 2)}\n`;

/** The version in package.json. */
export function versionOfProject(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

async function generate(): Promise<void> {
  writeFileSync(supergraphFile, composeSupergraph());
  for (const name of serviceNames()) writeFileSync(generatedFile(name), await generateTypesOf(name));
  writeFileSync(asyncApiFile, await composeAsyncApi());
  for (const file of [supergraphFile, asyncApiFile]) console.log(`wrote ${fileURLToPath(file)}`);
  console.log(`wrote the resolver types of ${serviceNames().join(', ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await generate();
