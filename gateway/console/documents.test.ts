import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Supergraph } from '@apollo/federation-internals';
import { parse, validate } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { typesOf } from './fixture.ts';

const app = fileURLToPath(new URL('./app/', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = readdirSync(app, { recursive: true, encoding: 'utf8' }).filter(file => /(?<!\.test)\.tsx?$/.test(file));
const read = (file: string) => readFileSync(app + file, 'utf8');
const schema = Supergraph.build(readFileSync(new URL('../../schema/supergraph.graphql', import.meta.url), 'utf8'))
  .apiSchema()
  .toGraphQLJSSchema();

/** Every document of the console, as its module exports it. */
const documents = (
  await Promise.all(
    sources
      .filter(file => /\bgql</.test(read(file)) && file !== 'client.ts')
      .map(async file => {
        const module: Record<string, unknown> = await import(app + file);
        return Object.entries(module).flatMap(([name, value]) => (isDocument(value) ? [{ file, name, ...value }] : []));
      }),
  )
).flat();

function isDocument(value: unknown): value is { text: string } {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string';
}

describe('the documents of the console', () => {
  test('are all exported, where this test sees them', () => {
    const written = sources.flatMap(file => (file === 'client.ts' ? [] : [...read(file).matchAll(/\bgql</g)]));
    expect(documents).toHaveLength(written.length);
    expect(documents.length).toBeGreaterThan(0);
  });

  test.each(documents)('$name of $file is valid against the public schema', ({ text }) => {
    expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([]);
  });
});

test('the types written beside the documents are those of the answers', async () => {
  const folder = mkdtempSync(join(root, 'node_modules', '.tributary-types-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const line = ({ file, name, text }: (typeof documents)[number], at: number) => {
    const { data, variables } = typesOf(schema, parse(text));
    return [
      `import { ${name} as d${at} } from '${app}${file}';`,
      `export const answer${at} = (given: ${data}): DataOf<typeof d${at}> => given;`,
      `export const asked${at} = (given: VariablesOf<typeof d${at}>): ${variables} => given;`,
    ].join('\n');
  };
  const types = `import type { DataOf, VariablesOf } from '${app}client.ts';`;
  writeFileSync(join(folder, 'check.ts'), [types, ...documents.map(line)].join('\n'));
  const settings = {
    extends: fileURLToPath(new URL('./tsconfig.json', import.meta.url)),
    include: [join(folder, 'check.ts')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = await promisify(execFile)(process.execPath, [compiler, '--noEmit', '-p', folder]).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  expect(result).toBe('');
});

test('nothing that is data becomes HTML', () => {
  const found = sources.filter(file =>
    /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write/.test(read(file)),
  );
  expect(sources.length).toBeGreaterThan(10);
  expect(found).toEqual([]);
});
