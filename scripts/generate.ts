/**
 * `npm run compose`: writes what is made of the services and the contracts: the supergraph, the AsyncAPI document, and the
 * types of each service's resolvers. A test says when one of them is out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asyncApiOf, type Party } from '../schema/asyncapi.ts';
import { loadContracts } from '../schema/catalog.ts';
import { folderOf, loadService, serviceNames } from '../subgraphs/catalog.ts';
import { generatedFile, generateTypesOf } from './codegen.ts';
import { composeSupergraph, supergraphFile } from './compose.ts';

export const asyncApiFile = new URL('../schema/asyncapi.json', import.meta.url);

/** The AsyncAPI document of the services and contracts as they stand in their folders. */
export async function composeAsyncApi(): Promise<string> {
  const services: Party[] = (await Promise.all(serviceNames().map(loadService))).map(({ definition }) => definition);
  return asyncApiText(asyncApiOf(await loadContracts(), services, versionOfProject()));
}

/** The folders of all that `npm run compose` writes types for: the services, and the examples of services. */
export function typedFolders(): URL[] {
  const examples = new URL('../examples/', import.meta.url);
  const names = readdirSync(examples, { withFileTypes: true }).filter(entry => entry.isDirectory());
  return [...serviceNames().map(folderOf), ...names.map(({ name }) => new URL(`${name}/`, examples))];
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

const root = fileURLToPath(new URL('..', import.meta.url));
const nameOf = (folder: URL) => relative(root, fileURLToPath(folder)).replace('subgraphs/', '');

async function generate(): Promise<void> {
  writeFileSync(supergraphFile, composeSupergraph());
  for (const folder of typedFolders()) writeFileSync(generatedFile(folder), await generateTypesOf(folder));
  writeFileSync(asyncApiFile, await composeAsyncApi());
  for (const file of [supergraphFile, asyncApiFile]) console.log(`wrote ${fileURLToPath(file)}`);
  console.log(`wrote the resolver types of ${typedFolders().map(nameOf).join(', ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await generate();
