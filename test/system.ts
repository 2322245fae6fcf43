/** Starts the real system, as `npm start` does, on a folder and a port of its own; and speaks to it as a client would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { type Servers, startServers } from '../embedded/index.ts';
import { signToken } from '../gateway/identity.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Here and below: so that a test that fails ends, and says what it waited for. A busy machine takes several times as long as another. */
const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 12_000;

export const AUTH_SECRET = process.env.AUTH_SECRET ?? randomBytes(32).toString('hex');

export type Process = {
  pid: number;
  /** Everything printed so far. */
  output(): string;
  /** Resolves with the exit code, or the signal. */
  exited: Promise<number | NodeJS.Signals | null>;
  kill(signal: NodeJS.Signals): void;
};

const alive = new Set<Process>();

/** Runs one of the project's scripts as a process; resolves when it has printed `ready`. */
export async function launch(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ready: RegExp,
  project = root,
): Promise<Process> {
  const child = spawn(process.execPath, [join(project, 'scripts/run.mjs'), join(project, 'scripts', script), ...args], {
    cwd: project,
    env: { PATH: process.env.PATH, AUTH_SECRET, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = follow(child);
  alive.add(started);
  void started.exited.then(() => alive.delete(started));
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (!ready.test(started.output())) {
    const over = await Promise.race([started.exited, new Promise<false>(resolve => setTimeout(resolve, 20, false))]);
    if (over !== false || Date.now() > deadlineMs) {
      started.kill('SIGKILL');
      throw new Error(`${script} ${args.join(' ')} did not become ready:\n${started.output()}`);
    }
  }
  return started;
}

function follow(child: ChildProcess): Process {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', chunk => {
      output += chunk;
    });
  return {
    pid: child.pid ?? -1,
    output: () => output,
    exited: new Promise(resolve => child.once('exit', (code, signal) => resolve(code ?? signal))),
    kill: signal => child.kill(signal),
  };
}

/** Ends whatever a test file has left running. */
export async function stopAll(): Promise<void> {
  const left = [...alive];
  for (const process of left) process.kill('SIGTERM');
  const timer = setTimeout(() => {
    for (const process of left) process.kill('SIGKILL');
  }, STOP_WITHIN_MS);
  await Promise.all(left.map(({ exited }) => exited));
  clearTimeout(timer);
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'tributary-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The servers that all tests share, or some of its own where there are none; the systems of a test have this database there. */
export async function sharedServers(dataDir: string, database: string): Promise<Servers> {
  const { MONGODB_URL: mongodbUrl, REDIS_URL: redisUrl } = process.env;
  const servers = await startServers({ dataDir, mongodbUrl, redisUrl, log: pino({ level: 'silent' }) });
  return { ...servers, mongodbUrl: new URL(`/${database}`, servers.mongodbUrl).href };
}

/** The settings that say where a system on a data folder keeps what it has. */
export function storesOf(dataDir: string): NodeJS.ProcessEnv {
  // Where a server is given for the tests, each folder stands for a database of its own.
  const { MONGODB_URL, REDIS_URL } = process.env;
  const database = `test-${dataDir.replaceAll(/[^A-Za-z0-9]/g, '').slice(-12)}`;
  return {
    DATA_DIR: dataDir,
    ...(MONGODB_URL && { MONGODB_URL: new URL(`/${database}`, MONGODB_URL).href }),
    ...(REDIS_URL && { REDIS_URL }),
  };
}

const PARTS = ['embedded', 'events', 'gateway', 'schema', 'scripts', 'subgraphs', 'package.json', 'tsconfig.json'];

/** Copies the project as far as it runs, so that a test may change it. */
export function copyProject(to: string): void {
  for (const part of PARTS) cpSync(join(root, part), join(to, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
}

export type System = Process & { url: string };

/**
 * The whole system on a data folder.
 *
 * @param port the same again after a restart; any free one when 0.
 * @param project where the code stands.
 */
export async function startSystem(
  dataDir: string,
  port = 0,
  env: NodeJS.ProcessEnv = {},
  project = root,
): Promise<System> {
  const settings = { ...storesOf(dataDir), PORT: String(port), ...env };
  const started = await launch('start.ts', [], settings, /is ready[\s\S]*Stop it/, project);
  const url = /http:\/\/[\d.]+:\d+/.exec(started.output())?.[0];
  if (!url) throw new Error('the ready screen names no URL');
  return { ...started, url };
}

type Answer<Data> = {
  status: number;
  data: Data;
  errors?: { message: string; path?: unknown[]; extensions: { code: string } }[];
};

export type Client = {
  /** Sends an operation and gives back the whole answer. */
  ask<Data>(query: string, variables?: Record<string, unknown>): Promise<Answer<Data>>;
  /** Sends an operation that must succeed. */
  get<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  socket(): SocketClient;
};

/** A client with a token of its own. */
export async function clientOf(
  url: string,
  owner: string,
  roles: string[] = [],
  secret = AUTH_SECRET,
): Promise<Client> {
  const token = await signToken(secret, { sub: owner, roles, expiresIn: '1h' });
  async function ask<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Answer<Data>> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(60_000),
    });
    return { status: response.status, ...((await response.json()) as { data: Data }) };
  }
  return {
    ask,
    async get(query, variables) {
      const answer = await ask<never>(query, variables);
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data;
    },
    socket: () =>
      createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${token}` },
        shouldRetry: () => true,
        retryAttempts: 100,
        retryWait: () => new Promise(resolve => setTimeout(resolve, 100)),
      }),
  };
}

/** Asks again until the answer is as wished; bounded. */
export async function eventually<Value>(
  look: () => Promise<Value>,
  wished: (value: Value) => boolean,
  withinMs = 60_000,
): Promise<Value> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    const value = await look();
    if (wished(value)) return value;
    if (Date.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(value)}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export const OPEN_ACCOUNT = /* GraphQL */ `
  mutation ($name: String!, $key: String) {
    openAccount(input: { name: $name, idempotencyKey: $key }) { account { id ownerId balance { amount version } } }
  }`;

export const DEPOSIT = /* GraphQL */ `
  mutation ($input: TransactionInput!) { deposit(input: $input) { transaction { id status amount } } }`;

/** By phone: what the mobile service offers. */
export const MOBILE_DEPOSIT = /* GraphQL */ `
  mutation ($input: MobileDepositInput!) { mobileDeposit(input: $input) { movement { id settled amount } } }`;

export const WITHDRAW = /* GraphQL */ `
  mutation ($input: TransactionInput!) { withdraw(input: $input) { transaction { id status amount } } }`;

export const TRANSFER = /* GraphQL */ `
  mutation ($input: TransferInput!) { transfer(input: $input) { transfer { id status problem } } }`;

export async function openAccount(client: Client, name = 'Everyday'): Promise<string> {
  const { openAccount: opened } = await client.get<{ openAccount: { account: { id: string } } }>(OPEN_ACCOUNT, {
    name,
  });
  return opened.account.id;
}
