/** What the documents say is there, is there: files, links, commands, codes, limits, variables, tests. samples.test.ts runs what they show. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOUNDS, TOKENS_MAX } from '../gateway/documents/bounds.ts';
import { COST_MAX } from '../gateway/documents/operations.ts';
import { DELIBERATE } from '../gateway/errors.ts';
import { BODY_BYTES_MAX } from '../gateway/http/lane.ts';
import { MESSAGE_BYTES_MAX } from '../gateway/sockets/sockets.ts';
import { PAGE_MAX } from '../schema/paging.ts';
import { limitsOf, readConfig, VARIABLES } from '../scripts/config.ts';
import { loadService, serviceNames } from '../subgraphs/catalog.ts';
import { problemsOfShell } from './documents/commands.ts';
import {
  anchorsOf,
  type Block,
  blocksOf,
  codeIn,
  DOCUMENTS,
  proseOf,
  read,
  root,
  rowsOf,
  sectionOf,
} from './documents/read.ts';
import { enumValues, hasArgument, problemsOfOperation, valuesOf } from './documents/schema.ts';
import { BUGS } from './simulation/bugs.ts';

/** Blocks that a test runs word for word, by document, and by heading or language where it is not all of it. */
const RUN: readonly [string, Partial<Block>][] = [
  ['test/guide.test.ts', { document: 'docs/ADD-A-SERVICE.md' }],
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

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  path => !/(^|\/)(node_modules|\.git|\.data|dist)\//.test(path),
);
const names = new Set(files.map(path => basename(path)));
/** What the guide makes is not there before. */
const MADE = /loyalty|points-earned/;

/** Files that are the reader's own. */
const GIVEN = ['checkpoint.json'];

const urlsOfServices = serviceNames().map(name => `${name.toUpperCase()}_URL`);
const CODES = [...[...DELIBERATE].map(String), 'INTERNAL_SERVER_ERROR'];
const CONSTANTS = new Set([
  ...CODES,
  ...enumValues,
  ...VARIABLES,
  ...urlsOfServices,
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

  it('names commands, arguments of the API and constants that are there', () => {
    const code = codeIn(proseOf(name));
    expect(code.filter(text => /^([A-Z_]+=\S+ )?(npm|docker|kubectl) /.test(text)).flatMap(problemsOfShell)).toEqual(
      [],
    );
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

describe('docs/CLIENT.md', () => {
  const keysBelow = (heading: string) =>
    rowsOf(sectionOf('docs/CLIENT.md', heading)).flatMap(([first = '']) => codeIn(first));

  it('has every code that an error can have, and every problem of a transfer', () => {
    expect(keysBelow('Errors').sort()).toEqual([...CODES].sort());
    expect(keysBelow('A transfer').sort()).toEqual(valuesOf('TransferProblem').sort());
  });

  it('names every code that a socket is closed with', () => {
    const closes = rowsOf(sectionOf('docs/CLIENT.md', 'Errors')).flatMap(([first = '']) => /^\d{4}$/.exec(first) ?? []);
    expect(closes).toEqual(['1001', '1009', '1013', '4400', '4401', '4403', '4408', '4409', '4429']);
  });

  it('has the limits that hold', () => {
    const { connections, subscriptions, requestsPerMinute } = limitsOf(readConfig({}), { embedded: false });
    const { selections, fields, rootFields, selectionsDeep, valuesDeep, aliases, directives } = BOUNDS;
    const limits = rowsOf(sectionOf('docs/CLIENT.md', 'Limits')).map(([, value = '']) =>
      Number(value.replaceAll(',', '')),
    );
    expect(limits).toEqual([
      ...[BODY_BYTES_MAX, MESSAGE_BYTES_MAX, TOKENS_MAX, selections, fields, rootFields, selectionsDeep, valuesDeep],
      ...[aliases, directives, COST_MAX, PAGE_MAX, connections, subscriptions, requestsPerMinute],
    ]);
  });
});

describe('docs/RUN-FOR-REAL.md', () => {
  const rows = rowsOf(sectionOf('docs/RUN-FOR-REAL.md', 'Environment'));

  it('has every variable that is read, and no other', () => {
    const named = rows.flatMap(([first = '']) => codeIn(first)).sort();
    expect(named).toEqual([...VARIABLES, ...urlsOfServices, 'SERVICE_URL'].sort());
  });

  it('says the defaults that hold', () => {
    const defaults = Object.fromEntries(
      rows.flatMap(([name = '', value = '', meaning]) => (meaning === undefined ? [] : [[name, value]])),
    );
    const config: Record<string, unknown> = readConfig({});
    for (const name of VARIABLES) {
      const said = (defaults[`\`${name}\``] ?? '').replaceAll('`', '');
      const [first = ''] = said.split(';');
      const held = config[name];
      if (held === undefined) expect(said, name).toMatch(/^$|embedded|gateway/);
      else if (name === 'DATA_DIR') expect(held).toBe(join(process.cwd(), said));
      else expect(String(Number(held) || held || 0), name).toBe(first.replaceAll(',', ''));
    }
  });
});

describe('docs/SECURITY.md', () => {
  const rows = rowsOf(read('docs/SECURITY.md'));
  const testsIn = (cell: string) =>
    [...cell.matchAll(/\]\((\.\.\/[^)]+)\)((?: “[^”]+”,?)+)/g)].flatMap(([, path = '', titles = '']) =>
      [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ file: join('docs', path), title })),
    );

  it('names a test for each thing that is tried, which is there', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter(([, , held = '']) => testsIn(held).length === 0)).toEqual([]);
    const absent = rows
      .flatMap(([, , held = '']) => testsIn(held))
      .filter(({ file, title }) => !titlesIn(read(file)).some(text => text.includes(title)));
    expect(absent).toEqual([]);
  });
});

/** What tests of a source are called: the texts that stand first in a call, or behind a table. */
const titlesIn = (source: string): string[] =>
  [...source.matchAll(/\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1,/g)].map(([, , title = '']) => title.replaceAll('\\', ''));

describe('docs/decisions', () => {
  const decisions = readdirSync(join(root, 'docs/decisions')).filter(name => name !== 'README.md');

  it('are all in the index, and none that is not there', () => {
    const listed = [...read('docs/decisions/README.md').matchAll(/^\| \[[^\]]+\]\(([^)]+)\)/gm)].map(
      ([, name]) => name,
    );
    expect(listed.sort()).toEqual([...decisions].sort());
  });

  it.each(decisions)('%s says why, what it costs and what was tried, shortly', name => {
    const text = read(`docs/decisions/${name}`);
    expect([...text.matchAll(/^\*\*(.*)\.\*\*/gm)].map(([, part]) => part)).toEqual([
      'Why',
      'What it costs',
      'What was tried',
    ]);
    expect(text.split('\n').length).toBeLessThanOrEqual(40);
  });
});

it('the number of planted bugs is that of today, wherever it is told', () => {
  const told = DOCUMENTS.flatMap(name => [...read(name).matchAll(/(\d+) bugs\b/g)].map(([, count]) => Number(count)));
  expect(told.length).toBeGreaterThan(1);
  expect(new Set(told)).toEqual(new Set([BUGS.length]));
});

describe('ARCHITECTURE.md', () => {
  it('draws all ways that events go between the services that it shows, and no other', async () => {
    const drawn = [...read('ARCHITECTURE.md').matchAll(/^ {2}(\w+) -- "([a-z, -]+)" --> (\w+)$/gm)]
      .flatMap(([, from, types = '', to]) => types.split(', ').map(type => `${from} ${type} ${to}`))
      .sort();
    const services = (await Promise.all(serviceNames().map(loadService))).map(({ definition }) => definition);
    const real = services.flatMap(({ name: from, emits }) =>
      emits.flatMap(({ type }) =>
        services
          .filter(({ consumes }) => consumes === 'everything' || consumes.some(contract => contract.type === type))
          .map(({ name: to }) => `${from} ${type} ${to}`),
      ),
    );
    const shown = new Set(drawn.flatMap(way => [way.split(' ')[0], way.split(' ')[2]]));
    const between = real.filter(way => shown.has(way.split(' ')[0]) && shown.has(way.split(' ')[2]));
    expect(shown.size).toBeGreaterThan(3);
    expect(drawn).toEqual(between.sort());
  });
});
