/** What the documents show is run, word for word, against one system: the README's first steps, the clients' program, a backup and its import. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../gateway/identity.ts';
import { blocksBelow, blocksOf, root } from './documents/read.ts';
import { type Link, startProxy } from './faults/proxy.ts';
import {
  AUTH_SECRET,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  type System,
  startSystem,
  stopAll,
  storesOf,
  temporaryFolder,
} from './system.ts';

const execute = promisify(execFile);
const [data, files, elsewhere] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
const children: ChildProcess[] = [];
const links: Link[] = [];
let system: System;

beforeAll(async () => {
  system = await startSystem(data.path);
  symlinkSync(join(root, 'node_modules'), join(files.path, 'node_modules'));
});

afterAll(async () => {
  for (const child of children) child.kill();
  for (const link of links) link.close();
  await stopAll();
  for (const folder of [data, files, elsewhere]) folder.remove();
});

/** Runs commands as they stand; only the system's address and the folder of the files that they make are others. */
async function shell(commands: string, env: NodeJS.ProcessEnv = storesOf(data.path)): Promise<string> {
  const here = commands
    .replaceAll('http://127.0.0.1:4000', system.url)
    .replaceAll(/\b(checkpoint\.json|events\.ndjson\.gz|public\.pem)\b/g, name => join(files.path, name));
  const { stdout } = await execute('bash', ['-euo', 'pipefail', '-c', here], {
    cwd: root,
    env: { ...process.env, AUTH_SECRET, ...env },
  });
  return stdout;
}

const block = (document: string, heading: string, language: string): string => {
  const [code] = blocksBelow(document, heading, language);
  if (code === undefined) throw new Error(`${document} has no ${language} below "${heading}"`);
  return code;
};

describe('README.md', () => {
  it('says commands that do what it says', async () => {
    const stdout = await shell(block('README.md', 'Try it', 'sh'));
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
  });

  it('has a subscription that begins with what there is', async () => {
    const bob = await clientOf(system.url, 'bob');
    const id = await openAccount(bob);
    const socket = bob.socket();
    const first = await socket.iterate({ query: block('README.md', 'Try it', 'graphql').replace('…', id) }).next();
    expect(first.value?.data).toEqual({
      balanceChanged: { balance: { amount: 0, version: 0 }, ledger: { nodes: [] } },
    });
    await socket.dispose();
  });
});

describe('docs/CLIENT.md', () => {
  const program = blocksOf('docs/CLIENT.md').filter(({ language }) => language === 'js');

  it('has a program that prints what it says', async () => {
    const [token = ''] = (await shell(block('docs/CLIENT.md', 'A token', 'sh'))).split('\n');
    writeFileSync(join(files.path, 'client.mjs'), program.map(({ code }) => code).join('\n'));
    const { stdout, stderr } = await execute(process.execPath, ['client.mjs'], {
      cwd: files.path,
      env: { PATH: process.env.PATH, GATEWAY: system.url, TOKEN: token },
      timeout: 100_000,
    });
    expect(stderr).toBe('');
    expect(stdout).toBe(block('docs/CLIENT.md', 'A transfer', ''));
  });

  it('has a way to watch that outlives the connection', async () => {
    const link = await startProxy(Number(new URL(system.url).port));
    links.push(link);
    const lists = program.findIndex(({ heading }) => heading === 'Lists');
    const source = [...program.slice(0, lists).map(({ code }) => code), WATCHING].join('\n');
    writeFileSync(join(files.path, 'watching.mjs'), source);
    const carol = await clientOf(system.url, 'carol');
    const token = await signToken(AUTH_SECRET, { sub: 'carol', expiresIn: '1h' });
    const child = spawn(process.execPath, ['watching.mjs'], {
      cwd: files.path,
      env: { PATH: process.env.PATH, GATEWAY: `http://127.0.0.1:${link.port}`, TOKEN: token },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let said = '';
    child.stdout.on('data', chunk => {
      said += chunk;
    });
    const saying = (word: string) =>
      eventually(
        async () => said,
        text => text.includes(word),
      );
    await saying('watching');
    link.cut();
    const { accounts } = await carol.get<{ accounts: { nodes: { id: string }[] } }>('{ accounts { nodes { id } } }');
    await carol.get(DEPOSIT, { input: { accountId: accounts.nodes[0]?.id, amount: 1 } });
    link.heal();
    await saying('version 2');
  });
});

/** Says what the program above it has seen, until it has seen two versions. */
const WATCHING = `
while (seen.length === 0) await delay(10);
console.log('watching');
while (seen.at(-1) < 2) await delay(10);
console.log('version ' + seen.at(-1));
stop();
await socket.dispose();`;

describe('docs/RUN-FOR-REAL.md', () => {
  const [backup = '', pinned = '', restore = ''] = blocksBelow('docs/RUN-FOR-REAL.md', 'Backups', 'sh');

  it('says how a backup is made, checked, and made a system again', async () => {
    const checked = await shell(backup);
    expect(checked).toMatch(/That key came with it[\s\S]*All \d+ events up to it are as they were\./);
    const [, events] = /All (\d+) events/.exec(checked) ?? [];
    const again = await shell(pinned);
    expect(again).toContain(`All ${events} events up to it are as they were.`);
    expect(again).not.toContain('That key came with it');
    const imported = await shell(restore, storesOf(elsewhere.path));
    expect(Number(/Imported (\d+) events/.exec(imported)?.[1])).toBeGreaterThanOrEqual(Number(events));
    expect(Number(events)).toBeGreaterThan(5);
  });
});
