/**
 * `npm run bench:tracing -- [--rounds N] [--seconds N]`: what tracing costs. Systems that differ in nothing else, side by side in one
 * run: traces off, a tenth of them kept, all kept. Deposits in turn, forth and back, each round until all are settled; counted is
 * the CPU of the system's own process, servers beneath it left out, which is what other work on the machine changes least.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { signToken } from '../gateway/identity.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  openAccount,
  startSystem,
  stopAll,
  temporaryFolder,
} from '../test/system.ts';
import { load } from './load.ts';
import { cpuAlone, median } from './measure.ts';
import { OPERATIONS, type Operation } from './operations.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '4' } },
});
const rounds = bounded('rounds', values.rounds, 50);
const seconds = bounded('seconds', values.seconds, 60);
const CONNECTIONS = 10;
const ACCOUNTS = 100;
const WARM_UP_SECONDS = 4;
const LOOK_MS = 500;
const SETTLED_WITHIN_MS = 60_000;

function bounded(name: string, text: string, max: number): number {
  const number = Number(text);
  if (number > 0 && number <= max) return number;
  throw new Error(`--${name}: a number from 1 to ${max} is wanted, not "${text}"`);
}

/** A collector that reads what it is sent, and keeps nothing but its size. */
async function startSink() {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => bytes,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Variant = { name: string; env: NodeJS.ProcessEnv };
type Subject = { name: string; url: string; pid: number; client: Client; accounts: string[]; samples: Sample[] };
type Sample = { cpuMs: number; perSecond: number; deposits: number };

async function startSubject({ name, env }: Variant, folder: string): Promise<Subject> {
  const { url, pid } = await startSystem(folder, 0, { LOG_LEVEL: 'warn', ...env });
  const client = await clientOf(url, 'alice');
  const accounts: string[] = [];
  for (let index = 0; index < ACCOUNTS; index++) accounts.push(await openAccount(client, `${index}`));
  return { name, url, pid, client, accounts, samples: [] };
}

function depositsTo(accounts: readonly string[]): Operation {
  return {
    ...OPERATIONS.deposit,
    query: 'mutation Deposit($input: TransactionInput!) { deposit(input: $input) { transaction { id amount } } }',
    variables: n => ({ input: { accountId: accounts[n % accounts.length], amount: (n % 1_000) + 1 } }),
    expected: n => `"amount":${(n % 1_000) + 1}}`,
  };
}

type Versions = { accounts: { nodes: { balance: { version: number } }[] } };

/** How many deposits the balances contain. */
async function settled(client: Client): Promise<number> {
  const { accounts } = await client.get<Versions>(`{ accounts(first: ${ACCOUNTS}) { nodes { balance { version } } } }`);
  return accounts.nodes.reduce((sum, { balance }) => sum + balance.version, 0);
}

async function take(subject: Subject, token: string, forSeconds: number): Promise<Sample> {
  const { url, pid, client, accounts } = subject;
  const before = await settled(client);
  const cpuBefore = cpuAlone(pid);
  const startedMs = performance.now();
  const operation = depositsTo(accounts);
  const { requests } = await load({
    url: `${url}/graphql`,
    token,
    operation,
    connections: CONNECTIONS,
    seconds: forSeconds,
  });
  // Few looks: each costs as much as some deposits.
  for (const endMs = performance.now() + SETTLED_WITHIN_MS; ; ) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    if ((await settled(client)) - before === requests) break;
    if (performance.now() > endMs) throw new Error(`not settled within ${SETTLED_WITHIN_MS} ms`);
  }
  const perSecond = requests / ((performance.now() - startedMs) / 1_000);
  return { cpuMs: (cpuAlone(pid) - cpuBefore) / requests, perSecond, deposits: requests };
}

async function measure(): Promise<void> {
  const sink = await startSink();
  const traced = (share: number) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_TRACES_SAMPLER_ARG: String(share),
  });
  const variants: Variant[] = [
    { name: 'off', env: {} },
    { name: 'a tenth of the traces kept', env: traced(0.1) },
    { name: 'all kept', env: traced(1) },
  ];
  const folders = variants.map(() => temporaryFolder());
  try {
    const token = await signToken(AUTH_SECRET, { sub: 'alice', roles: [], expiresIn: '2h' });
    const subjects: Subject[] = [];
    for (const [index, variant] of variants.entries())
      subjects.push(await startSubject(variant, folders[index]?.path ?? ''));
    for (const subject of subjects) await take(subject, token, WARM_UP_SECONDS);
    for (let round = 1; round <= rounds; round++) {
      // Forth and back, so that nobody always comes after the same one.
      for (const subject of round % 2 === 1 ? subjects : subjects.toReversed()) {
        const sample = await take(subject, token, seconds);
        subject.samples.push(sample);
        process.stderr.write(
          `${round}/${rounds}  ${subject.name}: ${sample.cpuMs.toFixed(3)} ms, ${sample.perSecond.toFixed(0)}/s\n`,
        );
      }
    }
    report(subjects);
  } finally {
    await stopAll();
    sink.stop();
    for (const folder of folders) folder.remove();
  }
}

function report(subjects: readonly Subject[]): void {
  const of = ({ samples }: Subject, field: keyof Sample) => median(samples.map(sample => sample[field]));
  const [off] = subjects;
  if (!off) return;
  const rows = subjects.map(subject => {
    // Each beside the one of its own round: what slows the machine down slows both.
    const ratios = subject.samples.map((sample, round) => sample.cpuMs / (off.samples[round]?.cpuMs ?? Number.NaN));
    const ratio = subject === off ? '' : `${((median(ratios) - 1) * 100).toFixed(0)} %`;
    return `| ${subject.name} | ${of(subject, 'cpuMs').toFixed(2)} | ${ratio} | ${of(subject, 'perSecond').toFixed(0)} |`;
  });
  const head = ['| traces | CPU ms a deposit, settled | more than off | deposits/s |', '|---|---:|---:|---:|'];
  process.stdout.write(`${[...head, ...rows].join('\n')}\n`);
}

await measure();
