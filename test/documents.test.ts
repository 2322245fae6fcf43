/** What the documents name is there: files, headings, commands, options, fields. documents/facts.test.ts compares what each says, samples.test.ts runs what they show. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VARIABLES } from '../scripts/config.ts';
import { isOption, problemsOfShell } from './documents/commands.ts';
import { anchorsOf, type Block, blocksOf, codeIn, DOCUMENTS, files, proseOf, read, root } from './documents/read.ts';
import { CODES, enumValues, hasArgument, problemsOfOperation, SERVICE_URLS } from './documents/schema.ts';

/** Blocks that a test runs word for word, by document, and by heading or language where it is not all of it. */
const RUN: readonly [string, Partial<Block>][] = [
  ['test/guide.test.ts', { document: 'docs/ADD-A-SERVICE.md' }],
  ['test/upgrade.test.ts', { document: 'docs/UPGRADE.md' }],
  ['events/readme.test.ts', { document: 'events/README.md' }],
  ['test/samples.test.ts', { document: 'README.md', heading: 'Try it' }],
  ['test/samples.test.ts', { document: 'docs/CLIENT.md', language: 'js' }],
  ['test/samples.test.ts', { document: 'docs/RUN-FOR-REAL.md', heading: 'Backups' }],
];

const isRun = (block: Block): boolean =>
  RUN.some(([, which]) => Object.entries(which).every(([key, value]) => block[key as keyof Block] === value));

/** What is wrong with a block that no test runs, by its language. */
const CHECKS: Record<string, (block: Block) => string[]> = {
  sh: ({ code }) => problemsOfShell(code),
  graphql: ({ code }) => problemsOfOperation(code),
  // Settings of Redis: those that the embedded one has.
  conf: ({ code }) => code.split('\n').filter(line => line !== '' && !read('embedded/redis.ts').includes(`'${line}'`)),
  // Below: what ARCHITECTURE.md draws.
  mermaid: ({ document }) => (document === 'ARCHITECTURE.md' ? [] : ['nobody compares this picture with the code']),
  // Drawings, whose files are looked at with all others.
  '': () => [],
};

const names = new Set(files.map(path => basename(path)));
/** Every word of the sources, but for those that look at documents. */
const words = new Set(
  files
    .filter(path => /\.(ts|tsx|mjs|graphql)$/.test(path) && !/^test\/(documents|samples)/.test(path))
    .flatMap(path => read(path).match(/\b[a-z]+[A-Z]\w*/g) ?? []),
);
/** What the guide makes is not there before. */
const MADE = /loyalty|points-earned/;

/** Files that are the reader's own. */
const GIVEN = ['checkpoint.json'];

const CONSTANTS = new Set([
  ...CODES,
  ...enumValues,
  ...VARIABLES,
  ...SERVICE_URLS,
  // Read by OpenTelemetry's libraries, by the gateway's program, and by the tests.
  ...['OTEL_EXPORTER_OTLP_HEADERS', 'SERVICE_URL', 'TEST_THOROUGH'],
]);

describe.each(DOCUMENTS)('%s', name => {
  it('links to files, and to headings in them, that are there', () => {
    const links = [...proseOf(name).matchAll(/\]\((?!https?:)([^)]+)\)|srcset="([^"]+)"|src="([^"]+)"/g)];
    const broken = links
      .map(([, link, ...images]) => link ?? images.find(Boolean) ?? '')
      .filter(link => {
        const [path = '', anchor] = link.split('#');
        const file = path === '' ? name : join(dirname(name), path);
        if (!existsSync(join(root, file))) return true;
        return anchor !== undefined && !anchorsOf(file).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  it('names files that are there', () => {
    const drawn = blocksOf(name).flatMap(({ language, code }) => (['', 'sh'].includes(language) ? [code] : []));
    const text = [proseOf(name), ...drawn].join('\n');
    const named = [...text.matchAll(/(?<![\w./{-])([\w.-]+\/)*[\w.-]+\.(ts|mjs|json|graphql|yml|yaml)\b(?!\.)/g)]
      .map(([path]) => path)
      .filter(path => !MADE.test(path) && !GIVEN.includes(path));
    const isThere = (path: string) =>
      path.includes('/')
        ? [path, join(dirname(name), path), join('deploy', path)].some(each => existsSync(join(root, each)))
        : names.has(path);
    expect(named.filter(path => !isThere(path))).toEqual([]);
  });

  it('has no block of code that nobody looks at, and none that is wrong', () => {
    const problems = blocksOf(name)
      .filter(block => !isRun(block))
      .flatMap(block => {
        const check = CHECKS[block.language] ?? (() => [`nobody looks at ${block.language}`]);
        return check(block).map(problem => `${name}:${block.line} ${problem}`);
      });
    expect(problems).toEqual([]);
  });

  it('names commands, options, arguments of the API, identifiers and constants that are there', () => {
    const code = codeIn(proseOf(name));
    expect(code.filter(text => /^([A-Z_]+=\S+ )?(npm|docker|kubectl) /.test(text)).flatMap(problemsOfShell)).toEqual(
      [],
    );
    const options = code.flatMap(text => /^--[a-z-]+/.exec(text)?.[0] ?? []);
    expect(options.filter(option => !isOption(option))).toEqual([]);
    const identifiers = code.filter(text => /^[a-z]+[A-Z]\w*$/.test(text) && !MADE.test(text));
    expect(identifiers.filter(identifier => !words.has(identifier))).toEqual([]);
    const argumentsNamed = code.flatMap(text => [...text.matchAll(/^(\w+)\((\w+):/g)]);
    expect(argumentsNamed.filter(([, field = '', argument = '']) => !hasArgument(field, argument))).toEqual([]);
    // The toolkit's own are looked at by its own test.
    const constants = name === 'events/README.md' ? [] : code.filter(text => /^[A-Z]+(_[A-Z]+)+$/.test(text));
    expect(constants.filter(constant => !CONSTANTS.has(constant))).toEqual([]);
  });
});

describe('README.md', () => {
  it('leads to every guide', () => {
    const guides = DOCUMENTS.filter(name => dirname(name) === 'docs');
    expect(guides.length).toBeGreaterThan(5);
    expect(guides.filter(name => !read('README.md').includes(`](${name})`))).toEqual([]);
  });
});
