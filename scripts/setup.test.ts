import { spawn } from 'node:child_process';
import { access, chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const lockFile = { packages: { '': {}, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } } };

/** A machine in a temporary folder: a clone of the project in `root`, and only stand-ins on the PATH. */
async function machine() {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-setup-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const [root, bin, calls] = [join(dir, 'root'), join(dir, 'bin'), join(dir, 'calls')];
  await mkdir(join(root, 'scripts'), { recursive: true });
  await mkdir(bin);
  await symlink('/usr/bin/env', join(bin, 'env'));
  for (const file of ['setup.mjs', 'prepare.mjs', 'progress.mjs', 'apps.mjs']) {
    await copyFile(join(here, file), join(root, 'scripts', file));
  }
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(lockFile));
  await writeFile(join(dir, 'os-release'), 'NAME="Debian"\nID=debian\n');

  /** Puts a program on the PATH, which notes how it was called and then does what the shell script says. */
  async function program(name: string, script = '') {
    const file = join(bin, name);
    await writeFile(file, `#!/bin/sh\necho "${name} $*" >> ${calls}\n${script}\n`);
    await chmod(file, 0o755);
  }
  const installed = async (packages: object = lockFile.packages) => {
    await mkdir(join(root, 'node_modules'), { recursive: true });
    await writeFile(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  };
  const prepared = (given: object = {}, env: NodeJS.ProcessEnv = {}) => {
    const settings = JSON.stringify({ osRelease: join(dir, 'os-release'), policyFile: join(dir, 'policy'), ...given });
    const source = `const { prepare } = await import(process.argv[1]); await prepare(JSON.parse(process.argv[2]))`;
    const args = ['--input-type=module', '--eval', source, join(root, 'scripts', 'prepare.mjs'), settings];
    return finished(args, { PATH: bin, CI: 'true', ...env });
  };
  return {
    dir,
    root,
    bin,
    program,
    installed,
    prepared,
    setup: (env: NodeJS.ProcessEnv = {}) => finished([join(root, 'scripts', 'setup.mjs')], { PATH: bin, ...env }),
    calls: async () => (await readFile(calls, 'utf8').catch(() => '')).split('\n').filter(Boolean),
  };
}

/** Runs Node without standard input and with nothing but these variables. */
function finished(args: string[], env: NodeJS.ProcessEnv) {
  const beganMs = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', chunk => {
    text += chunk;
  });
  child.stderr.on('data', chunk => {
    text += chunk;
  });
  return new Promise<{ code: number | null; text: string; tookMs: number }>(resolve => {
    child.once('close', code => resolve({ code, text, tookMs: performance.now() - beganMs }));
  });
}

/** `cp` and the rest stand outside the PATH of the stand-ins. */
const npmThatInstalls = '/bin/mkdir -p node_modules && /bin/cp package-lock.json node_modules/.package-lock.json';

test('with everything in place it is quick, silent and starts nothing', async () => {
  const { dir, program, installed, setup, calls } = await machine();
  await Promise.all(['redis-server', 'npm', 'apt-get'].map(name => program(name)));
  await installed();
  // What the processor has done for it: others may use that meanwhile, and then all takes longer.
  const measure = join(dir, 'measure.cjs');
  await writeFile(
    measure,
    `process.on('exit', () => {
       const { user, system } = process.cpuUsage();
       require('node:fs').appendFileSync(${JSON.stringify(join(dir, 'took'))}, (user + system) / 1000 + '\\n');
     });`,
  );
  const run = () => setup({ NODE_OPTIONS: `--require ${measure}` });
  const runs = [await run(), await run(), await run()];
  expect(runs).toMatchObject(Array(3).fill({ code: 0, text: '' }));
  expect(await calls()).toEqual([]);
  const tookMs = (await readFile(join(dir, 'took'), 'utf8')).trim().split('\n').map(Number);
  expect(tookMs).toHaveLength(3);
  expect(Math.min(...tookMs)).toBeLessThan(500);
});

test('on a fresh clone it installs the packages, says so, and needs to only once', async () => {
  const { program, setup, calls } = await machine();
  await program('redis-server');
  await program('npm', npmThatInstalls);
  const { code, text } = await setup({ CI: 'true' });
  expect(text).toMatch(
    /^Installing the packages \(npm ci\) …\nInstalling the packages \(npm ci\): done after \d+ s\n$/,
  );
  expect(code).toBe(0);
  expect((await setup()).text).toBe('');
  expect(await calls()).toEqual([expect.stringMatching(/^npm ci --include=dev /)]);
});

test('it installs again when the lock file asks for another version, whatever the times of the files', async () => {
  const { program, installed, setup, calls } = await machine();
  await program('redis-server');
  await program('npm', npmThatInstalls);
  await installed({ 'node_modules/a': { version: '0.9.0', integrity: 'sha512-old' } });
  expect((await setup()).code).toBe(0);
  expect(await calls()).toHaveLength(1);
});

test('packages for other platforms may be absent, and development ones before a start but not before the tests', async () => {
  const { root, program, installed, setup, calls } = await machine();
  await program('redis-server');
  await program('npm', npmThatInstalls);
  const packages = {
    ...lockFile.packages,
    'node_modules/other-platform': { version: '1.0.0', optional: true },
    'node_modules/tester': { version: '1.0.0', dev: true },
  };
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  await installed();
  expect((await setup({ npm_lifecycle_event: 'prestart' })).code).toBe(0);
  expect(await calls()).toEqual([]);
  expect((await setup({ npm_lifecycle_event: 'pretest' })).code).toBe(0);
  expect(await calls()).toHaveLength(1);
});

test('when the packages cannot be installed it shows the beginning and end of the output, and what to do', async () => {
  const { program, setup } = await machine();
  await program(
    'npm',
    'i=0; while [ $i -lt 99 ]; do i=$((i+1)); echo "line $i"; done; echo "registry is away" >&2; exit 1',
  );
  const { code, text } = await setup();
  expect(code).toBe(1);
  expect(text).toContain('registry is away');
  expect(text).toContain('line 1\n');
  expect(text).toContain('line 99');
  expect(text).not.toContain('line 50\n');
  expect(text).toContain('Run `npm ci`');
  expect(text).not.toContain('.mjs:');
});

test('an installed Redis is left off: not started while it is installed, and disabled after', async () => {
  const { dir, bin, program, installed, prepared, calls } = await machine();
  await installed();
  await program('systemctl');
  await program(
    'apt-get',
    `case "$*" in *install*) test -x ${dir}/policy && echo "policy forbids" >> ${dir}/calls
     printf '' > ${bin}/redis-server; /bin/chmod +x ${bin}/redis-server;; esac`,
  );
  const { code, text } = await prepared({ isSuperuser: true });
  expect(text).toContain('Installing Redis (apt-get install redis-server): done');
  expect(code).toBe(0);
  expect((await calls()).map(call => call.replace(/ -o \S+/g, ''))).toEqual([
    'apt-get update',
    'apt-get install --yes --no-install-recommends redis-server',
    'policy forbids',
    'systemctl disable --now redis-server',
  ]);
  await expect(access(join(dir, 'policy'))).rejects.toThrow();
});

test('it goes through sudo on a machine of continuous integration, when that asks nothing, and nowhere else', async () => {
  const { program, installed, prepared, calls } = await machine();
  await installed();
  await program('apt-get');
  await program('sudo', 'shift; exec "$@"');
  await program('true');
  await prepared({ isSuperuser: false }, { CI: '' });
  expect(await calls()).toEqual([]);
  await prepared({ isSuperuser: false });
  expect((await calls()).join('\n')).toMatch(/sudo --non-interactive env \S+ apt-get .* install --yes/);
  await program('sudo', 'exit 1');
  expect((await prepared({ isSuperuser: false })).text).toContain('There is no redis-server on the PATH');
});

test('told to stop, it ends what it runs, begins nothing more and takes its policy away', async () => {
  const { dir, program, installed, prepared, calls } = await machine();
  await installed();
  await program('apt-get', `case "$*" in *install*) kill -TERM $PPID; exec /bin/sleep 20;; esac`);
  await program('systemctl');
  const { code, text, tookMs } = await prepared({ isSuperuser: true });
  expect(code).toBe(1);
  expect(text).not.toContain('could not be installed');
  expect(tookMs).toBeLessThan(10_000);
  expect((await calls()).filter(call => call.startsWith('apt-get'))).toHaveLength(2);
  await expect(access(join(dir, 'policy'))).rejects.toThrow();
});

test("the machine's own policy on services is left alone", async () => {
  const { dir, program, installed, prepared } = await machine();
  await installed();
  await program('apt-get');
  await writeFile(join(dir, 'policy'), 'mine');
  await prepared({ isSuperuser: true });
  expect(await readFile(join(dir, 'policy'), 'utf8')).toBe('mine');
});

test('when Redis cannot be installed it shows why, and the choices', async () => {
  const { program, installed, prepared } = await machine();
  await installed();
  await program('apt-get', 'echo "E: Unable to fetch some archives" >&2; exit 100');
  const { code, text } = await prepared({ isSuperuser: true });
  expect(code).toBe(1);
  expect(text).toContain('exit code 100');
  expect(text).toContain('E: Unable to fetch some archives');
  expect(text).toContain('REDIS_URL=redis://');
});

test('without the right to install Redis it lists the choices and installs nothing', async () => {
  const { program, installed, prepared, calls } = await machine();
  await installed();
  await program('apt-get');
  const { code, text } = await prepared({ isSuperuser: false });
  expect(code).toBe(1);
  for (const choice of ['brew install redis', 'sudo apt-get install redis-server', 'docker compose up', 'REDIS_URL=']) {
    expect(text).toContain(choice);
  }
  expect(await calls()).toEqual([]);
});

test('a Redis given by URL needs none here', async () => {
  const { installed, setup } = await machine();
  await installed();
  expect(await setup({ REDIS_URL: 'redis://queue.test' })).toMatchObject({ code: 0, text: '' });
});

test('a Node that is too old is refused with one line', async () => {
  const { root, setup } = await machine();
  const pretend = join(root, 'old.cjs');
  await writeFile(pretend, `Object.defineProperty(process.versions, 'node', { value: '20.18.9' })`);
  const { code, text } = await setup({ NODE_OPTIONS: `--require ${pretend}` });
  expect(code).toBe(1);
  expect(text).toMatch(/^Tributary needs Node 20\.19 or newer; this is v\S+ \(.*\)\.\n$/);
});

test('a browser is installed for the tests, on Debian, and a start needs none', async () => {
  const { dir, bin, program, installed, prepared, calls } = await machine();
  await installed();
  await program('redis-server');
  await program('apt-get', `case "$*" in *install*) printf '' > ${bin}/chromium; /bin/chmod +x ${bin}/chromium;; esac`);
  await writeFile(join(dir, 'os-release'), 'ID=ubuntu\nID_LIKE=debian\n');
  await prepared({ isSuperuser: true }, { npm_lifecycle_event: 'pretest' });
  await writeFile(join(dir, 'os-release'), 'ID=debian\n');
  await prepared({ isSuperuser: true }, { npm_lifecycle_event: 'prestart' });
  expect(await calls()).toEqual([]);
  for (const _ of [1, 2]) {
    expect((await prepared({ isSuperuser: true }, { npm_lifecycle_event: 'pretest' })).code).toBe(0);
  }
  expect((await calls()).map(call => call.replace(/ -o \S+/g, ''))).toEqual([
    'apt-get update',
    expect.stringMatching(/^apt-get install --yes --no-install-recommends chromium /),
  ]);
});

test('where no browser can be installed the tests go on without', async () => {
  const { program, installed, prepared } = await machine();
  await installed();
  await program('redis-server');
  await program('apt-get', 'exit 100');
  expect((await prepared({ isSuperuser: true }, { npm_lifecycle_event: 'pretest' })).code).toBe(0);
  expect(await prepared({ isSuperuser: false }, { npm_lifecycle_event: 'pretest', CI: '' })).toMatchObject({
    code: 0,
    text: '',
  });
});

test('pages that are not built from their sources are built, once', async () => {
  const { root, program, installed, setup } = await machine();
  await installed();
  await program('redis-server');
  await mkdir(join(root, 'gateway/console/app'), { recursive: true });
  await writeFile(join(root, 'gateway/console/app/main.tsx'), '');
  // Without the development packages nothing can be built, and the pages say so themselves.
  expect(await setup()).toMatchObject({ code: 0, text: '' });
  await mkdir(join(root, 'node_modules', 'vite'), { recursive: true });
  await symlink(join(here, '..', 'node_modules', 'tsx'), join(root, 'node_modules', 'tsx'));
  // A stand-in for what builds.
  await writeFile(
    join(root, 'scripts/build.ts'),
    `import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
     if (existsSync('broken')) { console.error('no such component'); process.exit(1); }
     void import('./apps.mjs').then(async ({ hashOfSources, webApps }) => {
       mkdirSync('gateway/console/dist', { recursive: true });
       writeFileSync('gateway/console/dist/build.json', JSON.stringify({ hash: await hashOfSources('.', webApps[0]) }));
     });`,
  );
  await writeFile(join(root, 'broken'), '');
  const broken = await setup();
  expect(broken.code).toBe(1);
  expect(broken.text).toContain('The pages could not be built');
  expect(broken.text).toContain('no such component');
  await rm(join(root, 'broken'));
  expect((await setup()).text).toContain('Building the pages: console (npm run build): done');
  expect((await setup()).text).toBe('');
});
