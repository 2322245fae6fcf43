import { readdirSync, readFileSync } from 'node:fs';
import type { ServiceDefinition } from '../events/definition.ts';
import type { Resolvers } from './host.ts';

/** A service: what stands in its folder. */
export type CatalogEntry = { definition: ServiceDefinition<Resolvers>; sdl: string };

const here = new URL('./', import.meta.url);

/** The names of all services: one folder each. */
export function serviceNames(): string[] {
  return readdirSync(here, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** The folder of a service. */
export const folderOf = (name: string): URL => new URL(`${name}/`, here);

/** The SDL of a service. */
export function readSdl(name: string): string {
  return readFileSync(new URL('schema.graphql', folderOf(name)), 'utf8');
}

/** Loads a service from its folder, whose `index.ts` exports it as `service`. */
export async function loadService(name: string): Promise<CatalogEntry> {
  // Written so that whatever compiles the project sees which files may be meant.
  const { service } = (await import(`./${name}/index.ts`)) as {
    service?: ServiceDefinition<Resolvers>;
  };
  if (service?.name !== name)
    throw new Error(`subgraphs/${name}/index.ts must export a "service" that is named "${name}"`);
  return { definition: service, sdl: readSdl(name) };
}
