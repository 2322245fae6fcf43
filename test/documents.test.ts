/** What the documents say is run: commands, samples, links, and the picture of the architecture. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { loadService, serviceNames } from '../subgraphs/catalog.ts';
import { AUTH_SECRET, clientOf, openAccount, startSystem, stopAll, temporaryFolder } from './system.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const execute = promisify(execFile);
const folders: ReturnType<typeof temporaryFolder>[] = [];
const DOCUMENTS = [
  ...['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'events/README.md', 'deploy/kubernetes/README.md'],
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
];

afterAll(async () => {
  await stopAll();
  for (const folder of folders) folder.remove();
});

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder.path;
}

/** The code blocks of a language below a heading. */
function blocks(document: string, heading: string, language: string): string[] {
  const section = document.split(/^## /m).find(part => part.startsWith(heading)) ?? '';
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code]) => code ?? '',
  );
}

describe('the README', () => {
  it('says commands that do what it says', async () => {
    const dataDir = newFolder();
    const system = await startSystem(dataDir);
    const [commands = ''] = blocks(read('README.md'), 'Try it', 'sh');
    const { stdout } = await execute(
      'bash',
      ['-euo', 'pipefail', '-c', commands.replaceAll('http://127.0.0.1:4000', system.url)],
      {
        cwd: root,
        env: { ...process.env, AUTH_SECRET, DATA_DIR: dataDir },
      },
    );
    const answers = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(answers).toEqual([
      { data: { openAccount: { account: { id: expect.any(String) } } } },
      { data: { deposit: { transaction: { id: expect.any(String), status: 'PENDING' } } } },
      {
        data: {
          account: {
            balance: { amount: 12_500, version: 1 },
            ledger: { nodes: [{ version: 1, amount: 12_500, balance: 12_500 }] },
          },
        },
      },
    ]);

    const alice = await clientOf(system.url, 'alice');
    const id = await openAccount(alice);
    const [subscription = ''] = blocks(read('README.md'), 'Try it', 'graphql');
    const socket = alice.socket();
    const first = await socket.iterate({ query: subscription.replace('…', id) }).next();
    expect(first.value?.data).toEqual({
      balanceChanged: { balance: { amount: 0, version: 0 }, ledger: { nodes: [] } },
    });
    await socket.dispose();
  }, 60_000);

  it('names only scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = DOCUMENTS.flatMap(name =>
      [...read(name).matchAll(/npm run (?:-s )?([a-z:-]+)/g)].map(([, script]) => script ?? ''),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter(script => !(script in scripts))).toEqual([]);
  });
});

describe('documents', () => {
  it.each(DOCUMENTS)('%s links to files that are there', name => {
    const links = [...read(name).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link ?? '');
    expect(links.filter(link => !existsSync(join(root, dirname(name), link)))).toEqual([]);
  });

  it('ARCHITECTURE.md names files that are there', () => {
    const files = [...read('ARCHITECTURE.md').matchAll(/`([a-z-]+\/[a-z/-]*\.ts)`/g)].map(([, file]) => file ?? '');
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter(file => !existsSync(join(root, file)))).toEqual([]);
  });

  it('ARCHITECTURE.md draws all ways that events go between the services that it shows, and no other', async () => {
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
