/** `npm run import -- events.ndjson[.gz]`: an export of the whole lake becomes the lake of a system that is empty. */
import { lockDataDir, startServers } from '../embedded/index.ts';
import { isUnavailable } from '../events/errors.ts';
import type { OutboxEntry } from '../events/outbox.ts';
import { assemble, type Resources } from '../events/service.ts';
import { loadService, serviceNames } from '../subgraphs/catalog.ts';
import { createReplays, type ReplayRow } from '../subgraphs/lake/replay.ts';
import { readExport, restoreLake } from '../subgraphs/lake/restore.ts';
import { createLake, type LakeRow } from '../subgraphs/lake/store.ts';
import { createSummaries, type Summary } from '../subgraphs/lake/summaries.ts';
import { ConfigError, configOrExit } from './config.ts';
import { linesOf } from './lines.ts';
import { connect, createLog, prepare, run } from './process.ts';

const LAKE = 'lake';
/** Who has asked for the replays that give the services their data. */
const IMPORT = 'import';
const PROGRESS_MS = 100;

const config = configOrExit();
const log = createLog(config.LOG_LEVEL);

void run(log, async (undo, done) => {
  const [file, ...rest] = process.argv.slice(2);
  if (!file || rest.length > 0) throw new ConfigError('usage: npm run import -- events.ndjson[.gz]');
  const lock = await lockDataDir(config.DATA_DIR);
  undo(() => lock.release());
  const { DATA_DIR: dataDir, MONGODB_URL: mongodbUrl, REDIS_URL: redisUrl } = config;
  const servers = await startServers({ dataDir, mongodbUrl, redisUrl, log });
  undo(() => servers.stop());
  const connections = connect({ ...servers, log });
  undo(() => connections.close());
  const { resources } = connections;

  // Indexes and bindings, as for a start; nothing of it runs.
  const entries = await Promise.all(serviceNames().map(loadService));
  await prepare(
    entries.map(({ definition }) => assemble(definition, resources)),
    log,
  );
  await assertEmpty(resources);
  process.stdout.write(await importInto(resources, file));
  done();
});

/** @returns what there is to say of it. @throws one line that says why not; run again, it goes on where it was. */
async function importInto(resources: Resources, file: string): Promise<string> {
  const { lake, replays } = lakeOf(resources);
  const checked = await check(file);
  const beforehand = await lake.size();
  const startedMs = performance.now();
  const show = progress(`of ${checked.events} events stored`);
  try {
    await restoreLake(lake, readExport(linesOf(file)), show);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    throw new ConfigError('MongoDB or Redis is out of reach. Run the same import again: it goes on where it was.');
  } finally {
    show.end();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  for (const service of serviceNames().filter(name => name !== LAKE)) {
    const asked = await replays.rows.findOne({ service, requestedBy: IMPORT });
    if (!asked) await replays.request({ service }, IMPORT);
  }
  const rate = Math.round((checked.events - beforehand) / seconds);
  return [
    `Imported ${checked.events} events in ${seconds.toFixed(1)} s (${rate} a second).`,
    `The head of the lake, as verifyLake had it where the export was made: ${checked.head}`,
    'The services get their data from the lake as soon as the system runs; the query "replays" says how far they are.',
    '',
  ].join('\n');
}

function lakeOf({ mongo, prefix, ...resources }: Resources) {
  const database = mongo.db(`${prefix}-${LAKE}`);
  const rows = database.collection<LakeRow>('lake');
  const summaries = createSummaries({ collection: database.collection<Summary>('summaries'), rows });
  const lake = createLake({ ...resources, rows, summaries });
  return { lake, replays: createReplays({ ...resources, lake, rows: database.collection<ReplayRow>('replays') }) };
}

/** Nothing has happened in an empty system; a lake alone may be what an import before left when it was ended half-way. */
async function assertEmpty(resources: Resources): Promise<void> {
  const { mongo, prefix } = resources;
  for (const name of serviceNames()) {
    const events = mongo.db(`${prefix}-${name}`).collection<OutboxEntry>('events');
    if (await events.findOne({}, { projection: { _id: 1 } })) throw notEmpty(`${name} has events of its own`);
  }
  const { replays } = lakeOf(resources);
  const imported = await replays.rows.countDocuments({ requestedBy: IMPORT });
  if (imported === serviceNames().length - 1) throw notEmpty('an export has been imported into it');
}

function notEmpty(why: string): ConfigError {
  return new ConfigError(`The system is not empty: ${why}. Import into another one, by its DATA_DIR or MONGODB_URL.`);
}

/** Reads the whole export once, so that nothing is stored of one that is broken. */
async function check(file: string): Promise<{ events: number; head: string }> {
  const show = progress('events checked');
  let [events, head] = [0, ''];
  try {
    for await (const { position, hash } of readExport(linesOf(file))) {
      [events, head] = [position, hash];
      show(position);
    }
  } finally {
    show.end();
  }
  if (events === 0) throw new ConfigError(`${file}: no events.`);
  return { events, head };
}

/** A number that moves on a terminal, and says nothing elsewhere. */
function progress(what: string): { (count: number): void; end(): void } {
  const out = process.stderr;
  let shownMs = 0;
  const show = (count: number) => {
    if (!out.isTTY || performance.now() - shownMs < PROGRESS_MS) return;
    shownMs = performance.now();
    out.write(`\r\x1b[K${count} ${what}`);
  };
  return Object.assign(show, { end: () => void (shownMs > 0 && out.write('\r\x1b[K')) });
}
