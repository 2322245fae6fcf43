/** From a wish to the files that fulfil it. Nothing is written here. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema, isObjectType } from 'graphql';
import { asyncApiOf, type Party } from '../../schema/asyncapi.ts';
import { loadContracts } from '../../schema/catalog.ts';
import { loadService, serviceNames } from '../../subgraphs/catalog.ts';
import { generateTypes } from '../codegen.ts';
import { composeSupergraph, subgraphTexts } from '../compose.ts';
import { asyncApiText, versionOfProject } from '../generate.ts';
import { deployed } from './deployment.ts';
import {
  contractSource,
  decisionSource,
  definitionSource,
  newContract,
  nodesSource,
  orderTestSource,
  resolversSource,
  sdlSource,
  testSource,
  viewSource,
} from './templates.ts';
import type { Known, Wish } from './wish.ts';
import type { Files } from './write.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What stands in a file of the project's folder. */
export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The services as they stand in their folders. */
export async function services(): Promise<Party[]> {
  return (await Promise.all(serviceNames().map(loadService))).map(({ definition }) => definition);
}

/** What there is in the project's folder. */
export async function knownNow(): Promise<Known> {
  const schema = buildSchema(read('schema/supergraph.graphql'), { assumeValid: true });
  const named = Object.values(schema.getTypeMap()).flatMap(type => [
    type.name,
    ...(isObjectType(type) ? Object.keys(type.getFields()).map(field => `${type.name}.${field}`) : []),
  ]);
  return {
    services: await services(),
    folders: readdirSync(join(root, 'subgraphs')),
    types: (await loadContracts()).map(({ type }) => type),
    api: new Set(named),
  };
}

/**
 * @param wish without problems (see wish.ts).
 * @returns every file that is to be written: new ones, and those that are made of all services.
 * @throws when the new service does not compose with the others.
 */
export async function planFiles(wish: Wish): Promise<Files> {
  const { name, emits, consumes } = wish;
  const folder = `subgraphs/${name}`;
  const sdl = sdlSource(wish);
  const contracts = emits.map(type => newContract(type, name));
  const all = [...(await loadContracts()), ...contracts].sort((a, b) => (a.type < b.type ? -1 : 1));
  const parties: Party[] = [
    ...(await services()),
    { name, emits: contracts, consumes: consumes.map(type => ({ type })) },
  ];
  const nodes = nodesSource(wish);
  const sources: [string, string][] = [
    ...emits.map((type): [string, string] => [`schema/events/${type}.ts`, contractSource(type, name)]),
    [`${folder}/index.ts`, definitionSource(wish)],
    ...(emits.length > 0 ? [[`${folder}/decide.ts`, decisionSource(wish)] as [string, string]] : []),
    [`${folder}/view.ts`, viewSource(wish)],
    [`${folder}/nodes.ts`, nodes],
    [`${folder}/resolvers.ts`, resolversSource(wish)],
    [`${folder}/index.test.ts`, testSource(wish)],
    [`${folder}/order.test.ts`, orderTestSource()],
  ];
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  return new Map([
    ...sources.map(([path, source]): [string, string] => [path, formatted(path, source)]),
    [`${folder}/schema.graphql`, sdl],
    [`${folder}/generated.ts`, await generateTypes({ sdl, nodes })],
    ['schema/supergraph.graphql', composeSupergraph([...subgraphTexts(), { name, sdl }].sort(byName))],
    ['schema/asyncapi.json', asyncApiText(asyncApiOf(all, parties.sort(byName), versionOfProject()))],
    ...deployed(read, name),
  ]);
}

/** As the project's formatter has it: names make lines longer or shorter. */
function formatted(path: string, source: string): string {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const args = [biome, 'check', '--write', `--stdin-file-path=${path}`];
  return execFileSync(process.execPath, args, {
    cwd: root,
    input: source,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}
