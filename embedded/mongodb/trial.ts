/** For tests: the server as a real child process, or the MongoDB that MONGODB_URL names. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const FAILING = new URL('./failing.ts', import.meta.url).pathname;
const RUNNER = new URL('../../scripts/run.mjs', import.meta.url).pathname;

export type Child = {
  url: string;
  port: number;
  process: ChildProcess;
  /** Its exit code, or null when a signal ended it. */
  exited: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

/**
 * Starts the server over a folder and resolves when it listens; rejects with what it wrote to stderr.
 *
 * @param how `failingDisk` and `killedAt`: see failing.ts.
 */
export function startChild(dir: string, { port = 0, failingDisk = '', killedAt = 0 } = {}): Promise<Child> {
  const preload = failingDisk === '' ? [] : ['--preload', FAILING];
  const child = fork(RUNNER, [...preload, MAIN, '--dir', dir, '--port', String(port)], {
    silent: true,
    env: { ...process.env, FAILING_DISK: failingDisk, KILLED_AT: String(killedAt) },
  });
  const exited = new Promise<number | null>(resolve => child.once('exit', resolve));
  let errors = '';
  child.stderr?.on('data', chunk => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message: { listening: number }) => {
      const { listening } = message;
      const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
        child.kill(signal);
        return exited;
      };
      resolve({ url: `mongodb://127.0.0.1:${listening}`, port: listening, process: child, exited, stop });
    });
    exited.then(code => reject(new Error(`exit ${code}: ${errors}`)));
  });
}

export const temporary = () => mkdtempSync(join(tmpdir(), 'tributary-mongodb-'));

export type Trial = { db: Db; client: MongoClient; url: string; own: boolean; end(): Promise<void> };

/** A database of its own, dropped at the end. `own` is false against a server given by MONGODB_URL. */
export async function startTrial(options: MongoClientOptions = {}): Promise<Trial> {
  const given = process.env.MONGODB_URL;
  const dir = given ? undefined : temporary();
  const child = dir ? await startChild(dir) : undefined;
  const url = given ?? child?.url ?? '';
  const client = await MongoClient.connect(url, { maxPoolSize: 50, ...options });
  const db = client.db(`trial_${randomUUID().slice(0, 8)}`);
  return {
    ...{ db, client, url, own: !given },
    async end() {
      await db.dropDatabase();
      await client.close();
      await child?.stop();
      if (dir) rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The code of the error a promise rejects with, or undefined if it does not. */
export const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    error => error.code,
  );
