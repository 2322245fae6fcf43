/** docs/ADD-A-SERVICE.md, followed word for word in a copy of the project; and what the scaffold refuses. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { useServers } from '../events/fixture.ts';
import { knownNow } from '../scripts/scaffold/plan.ts';
import { removalProblems } from '../scripts/scaffold/removal.ts';
import { problemsOf } from '../scripts/scaffold/wish.ts';
import { removeAll, writeAll } from '../scripts/scaffold/write.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import { change } from './change.ts';
import {
  AUTH_SECRET,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  startSystem,
  stopAll,
  temporaryFolder,
} from './system.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const execute = promisify(execFile);
const folders: ReturnType<typeof temporaryFolder>[] = [];
const { mongodbUrl, redisUrl } = useServers();
/** The tests that the guide runs in the copy have the servers that these have. */
const env = { ...process.env, MONGODB_URL: mongodbUrl, REDIS_URL: redisUrl };

afterAll(async () => {
  await stopAll();
  for (const folder of folders) folder.remove();
});

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder.path;
}

/** The project as it stands in the working tree, elsewhere. */
function copyOfProject(): string {
  const copy = join(newFolder(), 'tributary');
  mkdirSync(copy);
  const left = ['node_modules', '.git', '.data', 'coverage'].map(name => join(root, name));
  cpSync(root, copy, { recursive: true, filter: source => !left.includes(source) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** The guide's parts by heading: in each, the files that it says how to write, and its other blocks of code. */
function readGuide() {
  const text = readFileSync(join(root, 'docs/ADD-A-SERVICE.md'), 'utf8');
  return text.split(/^## /m).map(part => {
    const files = [...part.matchAll(/^`([\w./-]+)`\n\n```\w+\n([\s\S]*?)^```/gm)];
    const rest = files.reduce((left, [whole]) => left.replace(whole, ''), part);
    const blocks = [...rest.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)];
    return {
      files: files.map(([, path = '', source = '']) => ({ path, source })),
      commands: blocks.flatMap(([, language, code = '']) => (language === 'sh' ? code.trim().split('\n') : [])),
      operations: blocks.flatMap(([, language, code = '']) => (language === 'graphql' ? [code] : [])),
      changes: blocks.flatMap(([, language, code = '']) => (language === 'diff' ? [code] : [])),
    };
  });
}

const HAND_WRITTEN_LINES_MAX = 80;

describe('the guide', () => {
  const guide = readGuide();
  const first = guide.slice(0, -2);
  const [later, last] = guide.slice(-2);

  test('leads to a service that knows what was before it, answers, and tells of what happens', async () => {
    const [copy, dataDir] = [copyOfProject(), newFolder()];
    const before = await startSystem(dataDir);
    const client = await clientOf(before.url, 'alice');
    const account = await openAccount(client);
    for (const amount of [12_990, 999]) await client.get(DEPOSIT, { input: { accountId: account, amount } });
    before.kill('SIGTERM');
    await before.exited;

    const made = ['schema/supergraph.graphql', 'schema/asyncapi.json', 'subgraphs/loyalty/generated.ts'];
    const contents = () => made.map(path => readFileSync(join(copy, path), 'utf8'));
    let handWritten = 0;
    for (const { commands, files } of first) {
      for (const { path, source } of files) {
        handWritten += await linesAdded(join(copy, path), source);
        writeFileSync(join(copy, path), source);
      }
      for (const command of commands) {
        await follow(copy, command);
        if (!command.includes('new-service')) continue;
        // What the scaffold has made of all services is what is made of the files that it wrote.
        const written = contents();
        await execute('npm', ['run', '-s', 'compose'], { cwd: copy });
        expect(contents()).toEqual(written);
        // Nothing else has to be written by hand before all tests pass: those beside it are the guide's next step.
        const tests = ['compose', 'kubernetes', 'contracts', 'door/safe'].map(test => `test/${test}.test.ts`);
        await execute('npx', ['vitest', 'run', 'scripts/scaffold', 'gateway/subscriptions', ...tests], {
          cwd: copy,
          env,
        });
      }
    }
    expect(handWritten).toBeGreaterThan(20);
    expect(handWritten).toBeLessThanOrEqual(HAND_WRITTEN_LINES_MAX);

    const system = await startSystem(dataDir, 0, {}, copy);
    const alice = await clientOf(system.url, 'alice');
    const [query = '', subscription = ''] = guide
      .flatMap(({ operations }) => operations)
      .map(text => text.replace('…', account));
    await eventually(
      () => alice.get<{ account: { points: number } }>(query),
      answer => answer.account.points === 12,
    );
    const socket = alice.socket();
    const results = socket.iterate<{ pointsChanged: { points: number; balance: { version: number } } }>({
      query: subscription,
    });
    expect((await results.next()).value?.data).toEqual({ pointsChanged: { points: 12, balance: { version: 2 } } });
    await alice.get(DEPOSIT, { input: { accountId: account, amount: 5_000 } });
    expect((await results.next()).value?.data?.pointsChanged.points).toBe(17);
    const bob = (await clientOf(system.url, 'bob')).socket();
    const refused = await bob.iterate({ query: subscription }).next();
    expect(refused.value?.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
    await Promise.all([socket.dispose(), bob.dispose()]);
    expect(await audit(system.url)).toMatch(/the lake is whole +1 account, 9 events +ok/);

    system.kill('SIGTERM');
    await system.exited;
    for (const { path, source } of later?.files ?? []) writeFileSync(join(copy, path), source);
    for (const diff of later?.changes ?? []) change(copy, diff);
    for (const command of later?.commands ?? []) await follow(copy, command);
    const script = `
      import { readEvent } from './events/contract.ts';
      import { pointsEarned } from './${later?.files[0]?.path}';
      const dataschema = 'urn:tributary:event:points-earned:1';
      const stored = { id: '1', type: 'points-earned', dataschema, data: { eventId: 'd', points: 3 } };
      console.log(JSON.stringify(readEvent(pointsEarned, stored).data));`;
    const { stdout } = await execute(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
      cwd: copy,
    });
    expect(JSON.parse(stdout)).toEqual({ eventId: 'd', points: 3, reason: 'deposit' });

    // A folder alone is not all of a service.
    renameSync(join(copy, 'subgraphs/loyalty'), join(copy, 'aside'));
    const stale = await startSystem(dataDir, 0, {}, copy).catch(error => error);
    expect(stale.message.trim().split('\n').slice(1).filter(Boolean)).toEqual([
      expect.stringMatching(/services that are not there: loyalty\. .* npm run compose$/),
    ]);
    renameSync(join(copy, 'aside'), join(copy, 'subgraphs/loyalty'));
    for (const command of last?.commands ?? []) await follow(copy, command);
    expect(await differences(copy)).toEqual('');
    const without = await startSystem(dataDir, 0, {}, copy);
    const olga = await clientOf(without.url, 'olga', ['operator']);
    const { unbind } = await olga.get<{ unbind: { name: string }[] }>(last?.operations[0] ?? '');
    expect(unbind.map(({ name }) => name)).toEqual(serviceNames());
    expect(await audit(without.url)).toMatch(/the lake is whole +1 account, 9 events +ok/);
  }, 600_000);
});

async function follow(copy: string, command: string): Promise<void> {
  await execute('bash', ['-euo', 'pipefail', '-c', command], { cwd: copy, env });
}

/** What of a copy is not as it is in the project. */
async function differences(copy: string): Promise<string> {
  const left = ['node_modules', '.git', '.data', 'coverage', 'dist'].flatMap(name => ['-x', name]);
  // It exits with 1 where there are differences.
  const { stdout } = await execute('diff', ['-rq', ...left, root, copy]).catch((error: { stdout: string }) => error);
  return stdout;
}

/** What `npm run audit` says of a system, which has to be in order. */
async function audit(url: string): Promise<string> {
  const args = ['scripts/run.mjs', 'test/audit.ts', '--url', url];
  const { stdout } = await execute(process.execPath, args, { cwd: root, env: { ...env, AUTH_SECRET } });
  return stdout;
}

/** How many lines of a source are not in the file as it is. */
async function linesAdded(file: string, source: string): Promise<number> {
  const beside = `${file}.next`;
  writeFileSync(beside, source);
  const args = ['diff', '--no-index', '--numstat', file, beside];
  // It exits with 1 where there are differences.
  const { stdout } = await execute('git', args).catch((error: { stdout: string }) => error);
  await execute('rm', [beside]);
  return Number(stdout.split('\t')[0]);
}

describe('a new service', () => {
  test.each<[string, Partial<Parameters<typeof problemsOf>[0]>, RegExp]>([
    ['Loyalty', { name: 'Loyalty' }, /"Loyalty" cannot be the name of a service: lower-case letters/],
    ['nothing', { name: '' }, /cannot be the name/],
    ['a path', { name: '../loyalty' }, /cannot be the name/],
    ['a name that is too long', { name: 'l'.repeat(31) }, /30 characters at most/],
    ['the gateway', { name: 'gateway' }, /names another part of the system/],
    ['like one that there is', { name: 'account' }, /There is a folder subgraphs\/account already/],
    ['like a type of the API', { name: 'transaction' }, /the API has Transaction already/],
    ['like a field of the API', { name: 'event' }, /the API has Event and Query\.event already/],
  ])('is not called %s', async (_, wish, named) => {
    expect((await problems(wish)).join('\n')).toMatch(named);
  });

  test.each<[string, Partial<Parameters<typeof problemsOf>[0]>, RegExp]>([
    ['consumes nothing', { consumes: [] }, /consumes at least one event type: account-opened, /],
    [
      'consumes what there is not',
      { consumes: ['depositd'] },
      /There is no event type "depositd" to consume; there are: /,
    ],
    ['consumes faults', { consumes: ['fault'] }, /goes to the lake alone/],
    ['consumes a type twice', { consumes: ['deposited', 'deposited'] }, /deposited: named twice/],
    ['emits what another emits', { emits: ['deposited'] }, /deposited is emitted by account already/],
    ['emits what is not in the past tense', { emits: ['points-earn-more'] }, /in the past tense/],
    ['emits what cannot be a type', { emits: ['PointsEarned'] }, /"PointsEarned" cannot be an event type/],
  ])('is refused when it %s', async (_, wish, named) => {
    expect((await problems(wish)).join('\n')).toMatch(named);
  });

  test('is told everything that is wrong at once, and nothing when all is right', async () => {
    expect(await problems({ name: 'Loyalty', consumes: ['none'], emits: ['deposited'] })).toHaveLength(3);
    expect(await problems({})).toEqual([]);
  });

  test('says on the command line what is wrong, and that nothing was written', async () => {
    const run = (...args: string[]) =>
      execute(process.execPath, ['--import', 'tsx', 'scripts/scaffold.ts', ...args], { cwd: root }).catch(
        error => error,
      );
    const [refused, unsaid] = await Promise.all([run('lake', '--consumes', 'deposited,none'), run('loyalty')]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/subgraphs\/lake already[\s\S]*no event type "none"[\s\S]*Nothing was written/);
    expect(unsaid.stderr).toMatch(/--consumes is missing[\s\S]*usage: /);
  });

  test('is written as a whole or not at all', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'old'), 'old');
    writeFileSync(join(folder, 'file'), 'in the way of a folder');
    const files = new Map([
      ['deep/er/new', 'new'],
      ['old', 'changed'],
    ]);
    expect(() => writeAll(folder, new Map([...files, ['file/below', 'cannot be']]))).toThrow();
    expect(readdirSync(folder).sort()).toEqual(['file', 'old']);
    expect(readFileSync(join(folder, 'old'), 'utf8')).toBe('old');
    writeAll(folder, files);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['deep', 'deep/er', 'deep/er/new', 'file', 'old']);
    expect(readFileSync(join(folder, 'old'), 'utf8')).toBe('changed');
  });
});

describe('a service that is removed', () => {
  const party = (name: string, consumes: string[], emits: string[]) => ({
    name,
    consumes: consumes.map(type => ({ type })),
    emits: emits.map(type => ({ type })),
  });
  const parties = [party('loyalty', ['deposited'], ['points-earned']), party('gifts', ['points-earned'], ['given'])];

  test.each<[string, string, RegExp]>([
    ['one that Tributary comes with', 'account', /^"account" belongs to Tributary itself, and stays\.$/],
    ['one that there is not', 'loyalti', /^There is no service "loyalti" to remove; there are: loyalty, gifts\.$/],
    ['one whose events another consumes', 'loyalty', /^gifts consumes points-earned, which nobody else emits: /],
  ])('is not %s', (_, name, named) => {
    expect(removalProblems(name, parties, false)).toEqual([expect.stringMatching(named)]);
  });

  test('may be one that nobody needs, one whose events others emit as well, or what is left of one', () => {
    expect(removalProblems('gifts', parties, true)).toEqual([]);
    const both = [...parties, party('bonus', [], ['points-earned'])];
    expect(removalProblems('loyalty', both, true)).toEqual([]);
    expect(removalProblems('gone', parties, true)).toEqual([]);
  });

  test('goes as a whole or not at all', () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'service/deep'), { recursive: true });
    for (const path of ['service/deep/file', 'contract', 'list']) writeFileSync(join(folder, path), path);
    const all = readdirSync(folder, { recursive: true }).sort();
    expect(() => removeAll(folder, ['service', 'contract'], new Map([['list/below', 'cannot be']]))).toThrow();
    expect(() => removeAll(folder, ['service', 'not there'], new Map())).toThrow();
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(all);
    removeAll(folder, ['service', 'contract'], new Map([['list', 'shorter']]));
    expect(readdirSync(folder)).toEqual(['list']);
    expect(readFileSync(join(folder, 'list'), 'utf8')).toBe('shorter');
  });

  test('is asked for on the command line with --yes, where nobody can be asked', async () => {
    const args = ['--import', 'tsx', 'scripts/remove.ts'];
    const refused = await execute(process.execPath, [...args, 'lake', '--yes'], { cwd: root }).catch(error => error);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/belongs to Tributary itself[\s\S]*Nothing was removed/);
    const unsaid = await execute(process.execPath, args, { cwd: root }).catch(error => error);
    expect(unsaid.stderr).toMatch(/the name of the service is missing[\s\S]*usage: /);
  });
});

async function problems(wish: Partial<Parameters<typeof problemsOf>[0]>): Promise<string[]> {
  return problemsOf({ name: 'loyalty', consumes: ['deposited'], emits: ['points-earned'], ...wish }, await knownNow());
}
