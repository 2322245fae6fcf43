/** docs/UPGRADE.md, followed word for word in a copy of the project. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildSchema, parse, validate } from 'graphql';
import { afterAll, expect, test } from 'vitest';
import { useServers } from '../events/fixture.ts';
import { change } from './change.ts';
import { temporaryFolder } from './system.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const execute = promisify(execFile);
const folder = temporaryFolder();
afterAll(() => folder.remove());
const { mongodbUrl, redisUrl } = useServers();
/** The tests that the guide runs in the copy have the servers that these have. */
const env = { ...process.env, MONGODB_URL: mongodbUrl, REDIS_URL: redisUrl };

const guide = readFileSync(join(root, 'docs/UPGRADE.md'), 'utf8');

/** The project as it stands in the working tree, elsewhere. */
function copyOfProject(): string {
  const copy = join(folder.path, 'tributary');
  mkdirSync(copy);
  const left = ['node_modules', '.git', '.data', 'coverage'].map(name => join(root, name));
  cpSync(root, copy, { recursive: true, filter: source => !left.includes(source) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** What a part of the guide says to do, in its order: a file to write, a change to make, commands to run. */
function stepsOf(heading: string) {
  const part = guide.split(/^## /m).find(text => text.startsWith(`${heading}\n`)) ?? '';
  return [...part.matchAll(/(?:^`([\w./-]+)`\n\n)?^```(ts|diff|sh)\n([\s\S]*?)^```/gm)].map(
    ([, path = '', language = '', text = '']) => ({ path, language, text }),
  );
}

async function follow(copy: string, heading: string): Promise<void> {
  for (const { path, language, text } of stepsOf(heading)) {
    if (language === 'ts') writeFileSync(join(copy, path), text);
    else if (language === 'diff') change(copy, text);
    else await execute('bash', ['-euo', 'pipefail', '-c', text], { cwd: copy, env });
  }
}

/** What an overdraft is stored as, and how what is stored of either version is read. */
async function overdraft(copy: string) {
  const script = `
    import { asWritten, readEvent, versionsOf, createEvent } from './events/contract.ts';
    import { overdrawn } from './schema/events/overdrawn.ts';
    import { nextBalance, overdraft } from './subgraphs/balance/ledger.ts';
    const data = { amountMinor: 7, currency: 'EUR' };
    const withdrawn = { id: 'w', type: 'withdrawn', source: '/account', subject: 'a', time: '2026-01-31T12:00:00.000Z', data };
    const written = asWritten(overdrawn, overdraft(nextBalance(undefined, withdrawn, withdrawn.time)));
    const read = versionsOf(overdrawn).map(version => readEvent(overdrawn, createEvent(version, { ...withdrawn, data: version.example })));
    console.log(JSON.stringify({ version: written.dataschema.split(':').at(-1), written: written.data, read: read.map(({ data }) => data.belowMinor) }));`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  return JSON.parse((await execute(process.execPath, args, { cwd: copy })).stdout);
}

test('the guide leads to a version that is read first and written then', async () => {
  const copy = copyOfProject();
  await follow(copy, 'The version comes');
  expect(await overdraft(copy)).toMatchObject({ version: '1', written: { balanceMinor: -7 }, read: [1_500, 1_500] });
  expect(readFileSync(join(copy, 'test/corpus/overdrawn.2.json'), 'utf8')).toContain('"belowMinor": 1500');
  await follow(copy, 'It is written');
  expect(await overdraft(copy)).toMatchObject({ version: '2', written: { belowMinor: 7 }, read: [1_500, 1_500] });
}, 600_000);

test('every command of it is among those that are run here, or is one for a running system', () => {
  const said = [...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, text = '']) => text.trim().split('\n'));
  const run = ['The version comes', 'It is written'].flatMap(stepsOf).flatMap(({ text }) => text.trim().split('\n'));
  expect(said.filter(command => !run.includes(command))).toEqual(['npm run doctor', 'npm run audit']);
});

test('what it asks the API is what the API answers', () => {
  const schema = buildSchema(readFileSync(join(root, 'schema/release/api.graphql'), 'utf8'));
  const operations = [...guide.matchAll(/^```graphql\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
  expect(operations).toHaveLength(2);
  expect(operations.flatMap(text => validate(schema, parse(text)))).toEqual([]);
});
