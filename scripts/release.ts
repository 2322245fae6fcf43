/**
 * `npm run release`: keeps the contracts and the API of this version in `schema/release/`, where the gate in `npm test` holds
 * those that come after to them. Refused when they break what the last release promised.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { printSchema, Supergraph } from '@apollo/federation-internals';
import { type Contract, createEvent, versionsOf } from '../events/contract.ts';
import { loadContracts } from '../schema/catalog.ts';
import {
  apiChanges,
  type Change,
  eventChanges,
  mayBreakClients,
  type ReleasedEvents,
} from '../schema/compatibility.ts';
import { jsonSchemaOf } from '../schema/jsonschema.ts';
import { composeSupergraph } from './compose.ts';
import { versionOfProject } from './generate.ts';

const folder = new URL('../schema/release/', import.meta.url);
const corpusFolder = new URL('../test/corpus/', import.meta.url);
const eventsFile = new URL('events.json', folder);
const apiFile = new URL('api.graphql', folder);

/** What a release promises. */
export type Release = { version: string; events: ReleasedEvents; api: string };

/** The last release, as it is kept. */
export function lastRelease(): Release {
  const { version, events } = JSON.parse(readFileSync(eventsFile, 'utf8')) as Omit<Release, 'api'>;
  return { version, events, api: readFileSync(apiFile, 'utf8') };
}

/** What would be released now. */
export async function releaseNow(): Promise<Release> {
  const contracts = (await loadContracts()).flatMap(versionsOf);
  return {
    version: versionOfProject(),
    events: Object.fromEntries(
      contracts.map(contract => [`${contract.type}.${contract.version}`, jsonSchemaOf(contract)]).sort(),
    ),
    api: `${printSchema(Supergraph.build(composeSupergraph()).apiSchema())}\n`,
  };
}

/**
 * @returns each change that the last release does not allow, in words. Events never may; the API may where the version in
 *   package.json says that it does.
 */
export function brokenBy(last: Release, now: Release): Change[] {
  return [
    ...eventChanges(last.events, now.events).map(change => `event ${change}`),
    ...(mayBreakClients(last.version, now.version)
      ? []
      : apiChanges(last.api, now.api).map(change => `API: ${change}`)),
  ];
}

/** What to do about changes that are refused. */
export const ADVICE = `An event: leave the version as it was, and make a new one with "before" and "upcast" (docs/UPGRADE.md).
The API: add beside it what is new, and leave what is there; or raise the version in package.json as semantic versioning asks.`;

async function release(): Promise<void> {
  const now = await releaseNow();
  const changes = isFirst() ? [] : brokenBy(lastRelease(), now);
  if (changes.length > 0) {
    process.stderr.write(`Not released: it breaks what ${lastRelease().version} promised.\n\n`);
    process.stderr.write(`${changes.map(change => `  ${change}`).join('\n')}\n\n${ADVICE}\n`);
    process.exitCode = 1;
    return;
  }
  const { api, ...events } = now;
  mkdirSync(folder, { recursive: true });
  writeFileSync(eventsFile, `${JSON.stringify(events, null, 2)}\n`);
  writeFileSync(apiFile, api);
  writeExamples(await loadContracts());
  console.log(`${fileURLToPath(folder)} has the contracts and the API of ${now.version}`);
}

/** What is stored of a version from now on looks like its example: kept where every later release has to read it. */
function writeExamples(contracts: readonly Contract[]): void {
  mkdirSync(corpusFolder, { recursive: true });
  for (const contract of contracts.flatMap(versionsOf)) {
    const { type, version, example } = contract;
    const stored = createEvent(contract, {
      id: `${type}-${version}`,
      source: '/example',
      subject: 'an-account',
      time: '2026-01-31T12:00:00.000Z',
      data: example,
    });
    try {
      const file = new URL(`${type}.${version}.json`, corpusFolder);
      writeFileSync(file, `${JSON.stringify([stored], null, 2)}\n`, { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function isFirst(): boolean {
  try {
    lastRelease();
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return true;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await release();
