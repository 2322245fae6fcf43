/** The doctor's round: each chapter by itself, so that what is away hides nothing of the rest. */
import { runningServers } from '../../embedded/index.ts';
import { signToken } from '../../gateway/identity.ts';
import { type Config, prefixOf, secretOf } from '../../scripts/config.ts';
import { loadService, serviceNames } from '../../subgraphs/catalog.ts';
import { evidenceClient } from '../evidence.ts';
import { type Chapter, type Finding, todo, unknown } from './findings.ts';
import { askMongodb, clientFor, judgeMongodb } from './mongodb.ts';
import type { Options } from './options.ts';
import { askRedis, judgeRedis } from './redis.ts';
import { examineServices } from './services.ts';
import { examineFlow, examineLake, examineSample, judgeNode, judgeProcess } from './system.ts';

const TIMEOUT_MS = 5_000;
/** The system is asked, and not waited for. */
const PATIENCE_MS = 3_000;

/** Everything that is to be found. Never rejects: what cannot be looked at is a finding. */
export async function examine({ url, token, sample }: Options, config: Config): Promise<Chapter[]> {
  const own = await runningServers(config.DATA_DIR);
  const mongodbUrl = config.MONGODB_URL ?? own.mongodbUrl;
  const redisUrl = config.REDIS_URL ?? own.redisUrl;
  // Side by side: each that is frozen takes as long as it is waited for.
  const [redis, mongodb] = await Promise.all([examineRedis(redisUrl), examineMongodb(mongodbUrl)]);
  const isRunning = !config.MONGODB_URL && mongodb.some(({ findings }) => findings.some(isAnswer));
  const door = await examineDoor(url, isRunning ? ELSEWHERE(config.DATA_DIR) : NOT_STARTED);
  const chapters: Chapter[] = [
    { title: 'This machine', findings: [judgeNode('node', process.version)] },
    { title: 'Redis', findings: redis },
    ...mongodb,
    { title: 'The gateway', findings: door.findings },
  ];
  if (!door.answers) return chapters;
  const client = async () => evidenceClient({ url, token: token ?? (await ownToken(config)), patienceMs: PATIENCE_MS });
  // Each by itself: a service that is away answers for no account, and who it is stands in what flows.
  const [flow, kept, lake] = await Promise.all([
    guarded('system', async () => examineFlow(await client())),
    sample > 0 ? guarded('accounts', async () => examineSample(await client(), sample)) : [],
    sample > 0 ? guarded('lake', async () => examineLake(await client())) : [],
  ]);
  return [
    ...chapters,
    { title: 'What flows', findings: flow },
    { title: 'What is kept', findings: [...kept, ...lake] },
  ].filter(({ findings }) => findings.length > 0);
}

const NOT_STARTED =
  'Start it: npm start. If it runs at another port or elsewhere, say so: npm run doctor -- --url http://127.0.0.1:PORT';
/** Whoever started it on this folder has chosen another port, which only that one knows. */
const ELSEWHERE = (dataDir: string) =>
  `npm start runs on ${dataDir}, and said at its start where it listens: npm run doctor -- --url http://127.0.0.1:PORT`;

const isAnswer = ({ what, state }: Finding): boolean => what === 'answers' && state === 'ok';

const NOWHERE = 'nobody says where it is';

async function examineRedis(url: string | undefined): Promise<Finding[]> {
  if (!url) return [unknown('answers', NOWHERE, 'Set REDIS_URL; or DATA_DIR, as npm start has it, while that runs.')];
  try {
    return judgeRedis(await askRedis(url));
  } catch (error) {
    return [
      todo(
        'answers',
        `no: ${messageOf(error)}`,
        'Start it, or see whether REDIS_URL is right. Until then events wait.',
      ),
    ];
  }
}

async function examineMongodb(url: string | undefined): Promise<Chapter[]> {
  const advice = 'Set MONGODB_URL; or DATA_DIR, as npm start has it, while that runs.';
  if (!url) return [{ title: 'MongoDB', findings: [unknown('answers', NOWHERE, advice)] }];
  let mongo: ReturnType<typeof clientFor> | undefined;
  try {
    mongo = clientFor(url);
    const findings = judgeMongodb(await askMongodb(mongo));
    const client = mongo;
    const services = await guarded('services', async () => {
      const entries = await Promise.all(serviceNames().map(loadService));
      return examineServices(
        client,
        prefixOf(url),
        entries.map(({ definition }) => definition),
      );
    });
    return [
      { title: 'MongoDB', findings },
      { title: 'Services', findings: services },
    ];
  } catch (error) {
    const what = 'Start it, or see whether MONGODB_URL is right. Until then nothing is acknowledged.';
    return [
      { title: 'MongoDB', findings: [todo('answers', `no: ${messageOf(error)}`, what)] },
      { title: 'Services', findings: [unknown('bound', 'not to be had without MongoDB')] },
    ];
  } finally {
    await mongo?.close();
  }
}

/** @param advice what to do when nothing answers. */
async function examineDoor(url: string, advice: string): Promise<{ answers: boolean; findings: Finding[] }> {
  const get = async (path: string) => {
    const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { status: answer.status, text: await answer.text() };
  };
  try {
    const { status, text } = await get('/health/ready');
    const { status: state, parts = {} } = JSON.parse(text) as {
      status?: string;
      parts?: Record<string, { state: string }>;
    };
    const poor = Object.entries(parts).filter(([, part]) => part.state !== 'ok');
    const ready: Finding =
      state === 'ok'
        ? { what: 'ready', state: 'ok', is: `at ${url}` }
        : todo(
            'ready',
            `${status} ${state ?? ''}: ${poor.map(([name, part]) => `${name} is ${part.state}`).join(', ')}`,
            'Start what is down.',
          );
    const page = await get('/metrics').then(
      metrics => metrics.text,
      () => undefined,
    );
    return { answers: true, findings: [ready, ...judgeProcess(page)] };
  } catch (error) {
    return { answers: false, findings: [todo('ready', `nothing of the kind at ${url}: ${messageOf(error)}`, advice)] };
  }
}

async function ownToken(config: Config): Promise<string> {
  if (config.AUTH_JWKS_URL)
    throw new Error('AUTH_JWKS_URL is set: give an operator token of whoever keeps those keys, with --token');
  return signToken(await secretOf(config), { sub: 'doctor', roles: ['operator'], expiresIn: '1h' });
}

async function guarded(what: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [
      unknown(
        what,
        messageOf(error),
        'See what is said above to be away (the lake tells what flows, the others what they keep); and whether --url, --token, AUTH_SECRET and DATA_DIR are those of one system.',
      ),
    ];
  }
}

/** What fetch says of a failure is in its cause. */
function messageOf(error: unknown): string {
  const { cause } = error as Error;
  const { message, code } = (cause ?? error) as NodeJS.ErrnoException;
  return (message || code || String(error)).split('\n')[0] ?? '';
}
