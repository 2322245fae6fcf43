/** The types of a service's resolvers, from its SDL. `npm run compose` writes them; a test holds them to the SDL. */
import { existsSync, readFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as resolvers from '@graphql-codegen/typescript-resolvers';
import { parse } from 'graphql';

const HEADER = '// Generated from schema.graphql and nodes.ts by `npm run compose`: change those.\n';

const CONFIG = {
  federation: true,
  useTypeImports: true,
  enumsAsTypes: true,
  immutableTypes: false,
  // A resolver is a function here, never an object around one.
  makeResolverTypeCallable: true,
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
  /** Where its folder finds what hosts it. Default `../host.ts`. */
  host?: string;
};

/** @returns the source of the service's `generated.ts`: the same text for the same input. */
export async function generateTypes({ sdl, nodes, host = '../host.ts' }: CodegenInput): Promise<string> {
  const named = [...nodes.matchAll(/^export (?:type|interface) (\w+)Node\b/gm)].map(([, type = '']) => type);
  const mappers = Object.fromEntries(named.map(type => [type, `./nodes.ts#${type}Node`]));
  const code = await codegen({
    filename: 'generated.ts',
    documents: [],
    schema: parse(sdl),
    config: { ...CONFIG, contextType: `${host}#RequestContext`, mappers },
    plugins: [{ typescript: {} }, { resolvers: {} }],
    pluginMap: { typescript, resolvers },
  });
  return `${HEADER}${code.replaceAll(/[ \t]+$/gm, '').trimEnd()}\n`;
}

/** Where a service's types stand. `folder` ends with a slash. */
export const generatedFile = (folder: URL): URL => new URL('generated.ts', folder);

/** The types of a service as its folder is now. */
export function generateTypesOf(folder: URL): Promise<string> {
  const [sdl, nodes] = [new URL('schema.graphql', folder), new URL('nodes.ts', folder)];
  return generateTypes({
    sdl: readFileSync(sdl, 'utf8'),
    nodes: existsSync(nodes) ? readFileSync(nodes, 'utf8') : '',
    // An example goes wherever it is copied to.
    ...(folder.pathname.includes('/examples/') && { host: '../../subgraphs/host.ts' }),
  });
}
