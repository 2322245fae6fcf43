import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Supergraph } from '@apollo/federation-internals';
import {
  BreakingChangeType,
  buildSchema,
  type DocumentNode,
  findBreakingChanges,
  type GraphQLSchema,
  isInputObjectType,
  isObjectType,
  Kind,
  parse,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { composeSupergraph, supergraphFile } from '../scripts/compose.ts';
import { readSdl, serviceNames } from '../subgraphs/catalog.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const isTest = (file: string) => /(\.test|[./]fixture|\/harness)\.ts$/.test(file);

/** The project's files under a folder, as paths from its root. */
function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => join(entry.parentPath, entry.name).slice(root.length))
    .filter(file => !isTest(file));
}

/** The project's own files that a file imports, as paths from its root. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const specifiers = [...source.matchAll(/(?:^|[\s;])(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    ([, specifier]) => specifier ?? '',
  );
  return specifiers.filter(name => name.startsWith('.')).map(name => normalize(join(dirname(file), name)));
}

/** Imports of a folder that lead elsewhere than allowed: "from → to". */
function strayImports(folder: string, allowed: (imported: string) => boolean): string[] {
  return filesIn(folder).flatMap(file =>
    importsOf(file)
      .filter(imported => !allowed(imported))
      .map(imported => `${file} → ${imported}`),
  );
}

const within =
  (...places: string[]) =>
  (imported: string) =>
    places.some(place => imported === place || imported.startsWith(`${place}/`));

describe('imports go one way', () => {
  test('the test sees them', () => {
    expect(importsOf('subgraphs/account/index.ts')).toEqual(
      expect.arrayContaining([
        'events/rule.ts',
        'schema/events/deposited.ts',
        'subgraphs/host.ts',
        'subgraphs/account/view.ts',
      ]),
    );
    expect(importsOf('subgraphs/account/index.ts')).not.toHaveLength(0);
  });

  test('the library of subscriptions knows nothing of the gateway around it', () => {
    expect(strayImports('gateway/subscriptions', within('gateway/subscriptions'))).toEqual([]);
  });

  test('nor does the one that runs query plans', () => {
    expect(strayImports('gateway/plans', within('gateway/plans'))).toEqual([]);
  });

  test('nor do the gateway’s folders lead back: wire, documents, services, then the doors of HTTP and of sockets', () => {
    const folders = (...names: string[]) => names.map(name => `gateway/${name}`);
    const [shared, libraries] = [
      ['errors', 'health', 'identity', 'limits', 'metrics', 'requests', 'tracing'],
      ['plans', 'subscriptions'],
    ];
    const below = [...shared.map(name => `gateway/${name}.ts`), 'events', 'schema', 'subgraphs/host.ts'];
    const services = [...below, ...folders('wire', 'documents', 'services', ...libraries)];
    expect(strayImports('gateway/wire', within('gateway/wire'))).toEqual([]);
    expect(strayImports('gateway/documents', within(...below, 'gateway/documents'))).toEqual([]);
    expect(strayImports('gateway/services', within(...services))).toEqual([]);
    expect(strayImports('gateway/sockets', within(...services, 'gateway/sockets'))).toEqual([]);
    const pages = folders('http', 'console', 'playground', 'queues');
    expect(strayImports('gateway/http', within(...services, ...pages))).toEqual([]);
  });

  test('the toolkit imports nothing of the project but itself', () => {
    expect(strayImports('events', within('events'))).toEqual([]);
  });

  test('the published language imports nothing but the toolkit', () => {
    expect(strayImports('schema', within('events', 'schema'))).toEqual([]);
  });

  test('the gateway imports the host of services, and no service', () => {
    expect(strayImports('gateway', within('events', 'schema', 'gateway', 'subgraphs/host.ts'))).toEqual([]);
  });

  test('the embedded servers import nothing of the project', () => {
    expect(strayImports('embedded', within('embedded'))).toEqual([]);
  });

  test('nothing that a service needs to speak it does import other services', () => {
    const seen = new Set<string>();
    const visit = (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      importsOf(file).forEach(visit);
    };
    filesIn('subgraphs/account').forEach(visit);
    expect(
      [...seen].filter(file => /^(gateway|embedded|scripts)\//.test(file) || file === 'subgraphs/catalog.ts'),
    ).toEqual([]);
  });

  test.each(
    serviceNames(),
  )('the %s service imports its own files, the toolkit, the published language and the host', name => {
    const allowed = within(`subgraphs/${name}`, 'events', 'schema', 'subgraphs/host.ts');
    expect(strayImports(`subgraphs/${name}`, allowed)).toEqual([]);
  });
});

test.each(serviceNames())('the folder of the %s service has what every service has', name => {
  const files = readdirSync(join(root, 'subgraphs', name));
  expect(files).toEqual(expect.arrayContaining(['index.ts', 'schema.graphql']));
});

test('every package is asked for in one version, so that all who install get the same', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const versions = Object.entries<string>({ ...dependencies, ...devDependencies });
  expect(versions.length).toBeGreaterThan(0);
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test('the composed supergraph is the one of today: else run `npm run compose`', () => {
  expect(readFileSync(supergraphFile, 'utf8')).toBe(composeSupergraph());
});

describe('the API that clients rely on', () => {
  // A copy, so that the project stands alone; it only ever changes by adding to it.
  const promised = buildSchema(readFileSync(join(root, 'test/contract.graphql'), 'utf8'));
  const offered = Supergraph.build(readFileSync(supergraphFile, 'utf8')).apiSchema().toGraphQLJSSchema();

  test('is all there, unchanged: types, fields, arguments, defaults and values', () => {
    expect(findBreakingChanges(promised, offered)).toEqual([]);
    // A default value that changes is only "dangerous" to graphql-js.
    expect(defaultsOf(offered)).toMatchObject(defaultsOf(promised));
  });

  test('would be missed if anything of it were gone', () => {
    const source = readFileSync(join(root, 'test/contract.graphql'), 'utf8');
    const without = buildSchema(source.replace('largest: MinorUnits', '').replaceAll('= DAY', '= HOUR'));
    const changes = findBreakingChanges(promised, without).map(({ type }) => type);
    expect(changes).toEqual([BreakingChangeType.FIELD_REMOVED]);
    expect(defaultsOf(without)).not.toMatchObject(defaultsOf(promised));
  });

  test('asks for nothing more than it says: no new argument or input field is required', () => {
    const required = requiredOf(offered).filter(name => !requiredOf(promised).includes(name));
    expect(required.filter(name => offeredBefore(promised, name))).toEqual([]);
  });
});

/** By "Type.field(argument)" and "Input.field". */
function defaultsOf(schema: GraphQLSchema): Record<string, unknown> {
  return Object.fromEntries(inputsOf(schema).map(({ name, defaultValue }) => [name, defaultValue ?? null]));
}

function requiredOf(schema: GraphQLSchema): string[] {
  return inputsOf(schema).flatMap(({ name, type, defaultValue }) =>
    type.endsWith('!') && defaultValue === undefined ? name : [],
  );
}

function inputsOf(schema: GraphQLSchema): { name: string; type: string; defaultValue: unknown }[] {
  return Object.values(schema.getTypeMap()).flatMap(type => {
    if (type.name.startsWith('__')) return [];
    if (isInputObjectType(type)) {
      return Object.values(type.getFields()).map(field => ({
        ...field,
        name: `${type}.${field.name}`,
        type: `${field.type}`,
      }));
    }
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap(field =>
      field.args.map(argument => ({
        ...argument,
        name: `${type}.${field.name}(${argument.name})`,
        type: `${argument.type}`,
      })),
    );
  });
}

function offeredBefore(schema: GraphQLSchema, name: string): boolean {
  const [type = '', field = ''] = name.split(/[.(]/);
  const known = schema.getType(type);
  return isInputObjectType(known) || (isObjectType(known) && field in known.getFields());
}

describe('a service', () => {
  const document = (name: string): DocumentNode => parse(readSdl(name));

  test.each(
    serviceNames(),
  )('%s says of each of its own types and fields only what it can answer: no root field stands in two', name => {
    const rootFields = (of: string) =>
      document(of).definitions.flatMap(definition =>
        definition.kind === Kind.OBJECT_TYPE_DEFINITION &&
        ['Query', 'Mutation', 'Subscription'].includes(definition.name.value)
          ? (definition.fields ?? []).map(field => `${definition.name.value}.${field.name.value}`)
          : [],
      );
    const others = serviceNames()
      .filter(other => other !== name)
      .flatMap(rootFields);
    expect(rootFields(name).filter(field => others.includes(field))).toEqual([]);
  });
});
