/** What single documents say is so: codes, limits, variables, tests, decisions, collections, pictures. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOUNDS, TOKENS_MAX } from '../../gateway/documents/bounds.ts';
import { COST_MAX } from '../../gateway/documents/operations.ts';
import { BODY_BYTES_MAX } from '../../gateway/http/lane.ts';
import { MESSAGE_BYTES_MAX } from '../../gateway/sockets/sockets.ts';
import { PAGE_MAX } from '../../schema/paging.ts';
import { limitsOf, readConfig, VARIABLES } from '../../scripts/config.ts';
import { loadService, serviceNames } from '../../subgraphs/catalog.ts';
import { rowsFor } from '../faults/rows/index.ts';
import { BUGS } from '../simulation/bugs.ts';
import { codeIn, DOCUMENTS, files, read, root, rowsOf, sectionOf } from './read.ts';
import { CODES, SERVICE_URLS, valuesOf } from './schema.ts';

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
    const named = rows.flatMap(([first = '']) => codeIn(first));
    // One that was added has an address by its name, and need not stand here.
    const others = named.filter(name => !SERVICE_URLS.includes(name));
    expect(others.sort()).toEqual([...VARIABLES, 'SERVICE_URL'].sort());
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

it('docs/RELIABILITY.md has a row for each of the real faults, in their order', () => {
  const named = rowsOf(sectionOf('docs/RELIABILITY.md', 'Real faults')).flatMap(([first = '']) => codeIn(first));
  expect(named).toEqual(rowsFor({ events: 1 }).map(({ name }) => name));
});

it('the number of planted bugs is that of today, wherever it is told', () => {
  const told = DOCUMENTS.flatMap(name => [...read(name).matchAll(/(\d+) bugs\b/g)].map(([, count]) => Number(count)));
  expect(told.length).toBeGreaterThan(1);
  expect(new Set(told)).toEqual(new Set([BUGS.length]));
});

describe('ARCHITECTURE.md', () => {
  it('names all collections of each database that it shows, and no other', () => {
    const rows = rowsOf(sectionOf('ARCHITECTURE.md', 'Data'));
    const said = new Map(rows.map(([database = '', collections = '']) => [database, codeIn(collections).sort()]));
    const of = (folder: string) =>
      files
        .filter(path => path.startsWith(`${folder}/`) && path.endsWith('.ts') && !/\.test\.ts$|fixture/.test(path))
        .flatMap(path => [...read(path).matchAll(/collection(?:<[\w& ]+>)?\('(\w+)'\)/g)])
        .map(([, name = '']) => name);
    const unique = (names: string[]) => [...new Set(names)].sort();
    expect(said.get('each')).toEqual(unique([...of('events'), 'events']));
    const shown = serviceNames().filter(name => said.has(name));
    expect(shown.length).toBeGreaterThan(3);
    for (const service of shown) {
      expect(said.get(service), service).toEqual(unique(of(`subgraphs/${service}`)));
    }
    expect([...said.keys()].sort()).toEqual([...shown, 'each', 'registry'].sort());
    expect(said.get('registry')).toEqual(['bindings']);
  });

  it('draws all ways that events go between the services that it shows, and no other', async () => {
    const drawn = [...read('ARCHITECTURE.md').matchAll(/^ {2}(\w+) -- "([a-z, -]+)" --> (\w+)$/gm)]
      .flatMap(([, from, types = '', to]) => types.split(', ').map(type => `${from} ${type} ${to}`))
      .sort();
    const services = (await Promise.all(serviceNames().map(loadService))).map(({ definition }) => definition);
    const real = services.flatMap(({ name: from, emits }) =>
      emits.flatMap(({ type }) =>
        services
          .filter(({ name, ofOthers = [] }) => name !== from || !ofOthers.some(own => own.type === type))
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
