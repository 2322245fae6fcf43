import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Supergraph } from '@apollo/federation-internals';
import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';

const app = fileURLToPath(new URL('./app/', import.meta.url));
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

test('nothing that is data becomes HTML', () => {
  const found = sources.filter(file =>
    /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write/.test(read(file)),
  );
  expect(sources.length).toBeGreaterThan(10);
  expect(found).toEqual([]);
});
