/** The types of a service's resolvers, from its SDL. `npm run compose` writes them; a test holds them to the SDL. */
import { existsSync, readFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as resolvers from '@graphql-codegen/typescript-resolvers';
import { parse } from 'graphql';
import { readSdl } from '../subgraphs/catalog.ts';

const HEADER = '// Generated from schema.graphql and nodes.ts by `npm run compose`: change those.\n';

const CONFIG = {
  federation: true,
  useTypeImports: true,
  enumsAsTypes: true,
  immutableTypes: false,
  // A resolver is a function here, never an object around one.
  makeResolverTypeCallable: true,
  contextType: '../host.ts#RequestContext',
  importExtension: '.ts',
  // A scalar that is not named here is refused, and never `any`.
  strictScalars: true,
  scalars: {
    ID: 'string',
    DateTime: 'string',
    MinorUnits: 'number',
    JSON: 'unknown',
    _Any: 'unknown',
    _FieldSet: 'string',
  },
};

export type CodegenInput = {
  sdl: string;
  /**
   * The source of the service's `nodes.ts`, where its resolvers hand over something else than what clients see: each type
   * `AccountNode` that it exports is what the fields of `Account` are resolved from.
   */
  nodes: string;
};

/** @returns the source of the service's `generated.ts`: the same text for the same input. */
export async function generateTypes({ sdl, nodes }: CodegenInput): Promise<string> {
  const named = [...nodes.matchAll(/^export (?:type|interface) (\w+)Node\b/gm)].map(([, type = '']) => type);
  const mappers = Object.fromEntries(named.map(type => [type, `./nodes.ts#${type}Node`]));
  const code = await codegen({
    filename: 'generated.ts',
    documents: [],
    schema: parse(sdl),
    config: { ...CONFIG, mappers },
    plugins: [{ typescript: {} }, { resolvers: {} }],
    pluginMap: { typescript, resolvers },
  });
  return `${HEADER}${code.replaceAll(/[ \t]+$/gm, '').trimEnd()}\n`;
}

/** Where a service's types stand. */
export function generatedFile(name: string): URL {
  return new URL(`../subgraphs/${name}/generated.ts`, import.meta.url);
}

/** The types of a service as its folder is now. */
export function generateTypesOf(name: string): Promise<string> {
  const nodes = new URL(`../subgraphs/${name}/nodes.ts`, import.meta.url);
  return generateTypes({ sdl: readSdl(name), nodes: existsSync(nodes) ? readFileSync(nodes, 'utf8') : '' });
}
