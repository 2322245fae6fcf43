/**
 * What a fresh clone needs before it can run: the packages, a Redis, the built pages, and for the tests a browser. Only Node's own
 * modules are used here. With everything in place this reads files, looks through the PATH, and starts no process.
 */
import { execFile } from 'node:child_process';
import { access, constants, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { outdatedApps } from './apps.mjs';
import { InterruptedError, step } from './progress.mjs';

const minuteMs = 60_000;

/** Something that only a person can put right; shown as it is, without a stack. */
class SetupError extends Error {}

/**
 * @typedef {object} Machine where the set-up happens; handed in for tests
 * @property {string} root the project's folder
 * @property {NodeJS.ProcessEnv} env
 * @property {boolean} isSuperuser
 * @property {string} osRelease the file that names the distribution
 * @property {string} policyFile the file that decides whether an installed service may be started
 */

/** @returns {Machine} */
function thisMachine() {
  return {
    root: fileURLToPath(new URL('..', import.meta.url)),
    env: process.env,
    isSuperuser: process.getuid?.() === 0,
    osRelease: '/etc/os-release',
    policyFile: '/usr/sbin/policy-rc.d',
  };
}

/**
 * Makes sure of the packages, of Redis and of the pages; says what is missing and sets the exit code to 1 when it cannot.
 * @param {Partial<Machine>} [given]
 */
export async function prepare(given) {
  const machine = { ...thisMachine(), ...given };
  try {
    if (!(await packagesInPlace(machine))) await installPackages(machine);
    if (!(await redisInPlace(machine))) await installRedis(machine);
    await buildPages(machine);
    if (needsBrowser(machine) && !(await browserInPlace(machine))) await installBrowser(machine);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof InterruptedError) return;
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.message}\n`);
  }
}

/**
 * Compares what npm wrote down when it installed with what the lock file asks for. Contents rather than times: a
 * checkout or a restored cache gives either file any time. Packages for other platforms may be absent, and so may
 * the development ones before `npm start`, as after `npm ci --omit=dev`.
 * @param {Machine} machine
 */
async function packagesInPlace({ root, env }) {
  const asked = await packagesOf(join(root, 'package-lock.json'));
  const installed = await packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (!asked) throw new SetupError('package-lock.json is missing or cannot be read: check it out again.');
  if (!installed) return false;
  const needsDevelopment = env.npm_lifecycle_event !== 'prestart';
  return Object.entries(asked).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (!found) return Boolean(entry.optional || entry.devOptional || (entry.dev && !needsDevelopment));
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** @returns {Promise<Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined>} */
async function packagesOf(lockFile) {
  try {
    return JSON.parse(await readFile(lockFile, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** @param {Machine} machine */
async function installPackages({ root, env }) {
  // The npm that runs this script, when one does: the PATH may hold another, or none.
  const npm = env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, env.npm_execpath] : ['npm'];
  // Development packages also where NODE_ENV is production, and output also under `npm --silent`.
  const flags = ['--include=dev', '--loglevel=warn', '--progress=false', '--no-audit', '--no-fund'];
  const result = await step('Installing the packages (npm ci)', [...npm, 'ci', ...flags], {
    env,
    cwd: root,
    timeoutMs: 20 * minuteMs,
  });
  if (result.ok) return;
  throw new SetupError(
    `The packages could not be installed:\n${result.output}\n\n` +
      'Is the package registry reachable from here? Run `npm ci` to see everything it says, then try this again.',
  );
}

/** @param {Machine} machine */
async function redisInPlace({ env }) {
  return Boolean(env.REDIS_URL) || (await onPath('redis-server', env));
}

/** @param {Machine} machine */
async function installRedis(machine) {
  const prefix = (await canUseApt(machine)) ? await superuser(machine) : undefined;
  if (!prefix) throw new SetupError(`There is no redis-server on the PATH.\n${redisChoices}`);
  // Old lists may still do, so a failed update alone is no reason to give up.
  const update = await apt(machine, prefix, 'Updating the list of system packages (apt-get update)', ['update']);
  const install = await withoutServices(machine, prefix, () =>
    apt(machine, prefix, 'Installing Redis (apt-get install redis-server)', [
      'install',
      '--yes',
      '--no-install-recommends',
      'redis-server',
    ]),
  );
  if (await redisInPlace(machine)) return;
  const outputs = [update, install].filter(result => !result.ok).map(result => `${result.output}\n`);
  throw new SetupError(`Redis could not be installed:\n${outputs.join('\n')}${redisChoices}`);
}

const redisChoices = `
Any one of these will do:
  brew install redis                          macOS
  sudo apt-get install redis-server           Debian, Ubuntu
  docker compose up                           everything in containers, instead of npm start
  REDIS_URL=redis://127.0.0.1:6379 npm start  a Redis that runs already`;

/**
 * Builds what is not built from its sources as they are. Without the development packages nothing can be, and the pages say so.
 * @param {Machine} machine
 */
async function buildPages({ root, env }) {
  const outdated = await outdatedApps(root);
  const canBuild = await access(join(root, 'node_modules', 'vite')).then(
    () => true,
    () => false,
  );
  if (outdated.length === 0 || !canBuild) return;
  const names = outdated.map(({ name }) => name);
  const command = [process.execPath, '--import', 'tsx', join('scripts', 'build.ts'), ...names];
  const result = await step(`Building the pages: ${names.join(', ')} (npm run build)`, command, {
    env,
    cwd: root,
    timeoutMs: 10 * minuteMs,
  });
  if (!result.ok) throw new SetupError(`The pages could not be built:\n${result.output}`);
}

/** Only what opens pages itself. @param {Machine} machine */
const needsBrowser = ({ env }) => ['pretest', 'prescreenshots'].includes(env.npm_lifecycle_event ?? '');

/** @param {Machine} machine */
async function browserInPlace({ env }) {
  const found = await Promise.all(['chromium', 'google-chrome'].map(name => onPath(name, env)));
  return Boolean(env.CHROMIUM) || found.includes(true);
}

/**
 * Where it cannot be installed, the tests that need it say so.
 * @param {Machine} machine
 */
async function installBrowser(machine) {
  // Ubuntu's package of this name is none.
  const isDebian = /^ID=debian\b/m.test(await readFile(machine.osRelease, 'utf8').catch(() => ''));
  const prefix = isDebian && (await onPath('apt-get', machine.env)) ? await superuser(machine) : undefined;
  if (!prefix) return;
  await apt(machine, prefix, 'Updating the list of system packages (apt-get update)', ['update']);
  const install = ['install', '--yes', '--no-install-recommends', 'chromium', 'fonts-inter', 'fonts-dejavu-core'];
  await apt(machine, prefix, 'Installing a browser for the tests (apt-get install chromium)', install);
}

/** @param {Machine} machine */
async function canUseApt({ env, osRelease }) {
  const distribution = await readFile(osRelease, 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(distribution) && (await onPath('apt-get', env));
}

/**
 * What to put before a command so that it runs as root; `undefined` when nothing does. A person's machine is not
 * changed through sudo unasked, a throw-away one is.
 * @param {Machine} machine
 */
async function superuser({ env, isSuperuser }) {
  if (isSuperuser) return [];
  const sudo = ['sudo', '--non-interactive'];
  return env.CI && (await succeeds(env, [...sudo, 'true'])) ? sudo : undefined;
}

/** @param {Machine} machine */
function apt({ env }, prefix, what, args) {
  const options = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3'];
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...options, ...args];
  return step(what, [...prefix, ...command], { env, timeoutMs: 10 * minuteMs });
}

/**
 * Debian starts and enables the service of every server that is installed. Only the program is wanted here: a Redis
 * of its own for each data folder, none for the whole machine. So while the work goes on a policy forbids starting
 * services (unless the machine has a policy of its own), and afterwards the service is disabled for the next boot.
 * @param {Machine} machine
 */
async function withoutServices({ env, policyFile }, prefix, work) {
  const ours = await writeFile(policyFile, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 }).then(
    () => true,
    () => false,
  );
  try {
    return await work();
  } finally {
    if (ours) await rm(policyFile, { force: true });
    // Either may be absent, or have nothing to do.
    await succeeds(env, [...prefix, 'systemctl', 'disable', '--now', 'redis-server']);
    await succeeds(env, [...prefix, 'update-rc.d', 'redis-server', 'disable']);
  }
}

/** Runs a short command in silence. */
async function succeeds(env, [program, ...args]) {
  return promisify(execFile)(program, args, { env, timeout: minuteMs }).then(
    () => true,
    () => false,
  );
}

async function onPath(program, { PATH = '' }) {
  for (const folder of PATH.split(delimiter).filter(Boolean)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
