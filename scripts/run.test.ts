import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../test/system.ts';

const RUNNER = fileURLToPath(new URL('run.mjs', import.meta.url));
const CACHE = 'node_modules/.cache/tributary';
const PROGRAMS = 'node_modules/.cache/programs';

/** A project with one package, whose program says what the package and a file of its own say. */
function project() {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const write = (name: string, content: string) => {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), content);
  };
  const install = (version: string) => {
    write('node_modules/.package-lock.json', JSON.stringify({ version }));
    write('node_modules/spring/package.json', '{"name":"spring","main":"index.js"}');
    write('node_modules/spring/index.js', `exports.water = { from: 'spring ${version}' };`);
  };
  install('1');
  write('package.json', '{"type":"module"}');
  write('part.ts', `export const part: string = 'one';`);
  write(
    'program.ts',
    `import { water } from 'spring';
     import { part } from './part.ts';
     console.log(water.from, part, new URL('beside', import.meta.url).pathname, process.argv.slice(2).join());`,
  );
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [RUNNER, ...args], { cwd: folder.path });
    // The program is all that is heard.
    expect(stderr).toBe('');
    return stdout.trim();
  };
  return { path: folder.path, write, install, run, cached: () => readdirSync(join(folder.path, CACHE)).sort() };
}

test('a program runs with its arguments, its packages and its place', async () => {
  const { path, run } = project();
  expect(await run('program.ts', 'a', '--b')).toBe(`spring 1 one ${path}/beside a,--b`);
});

test('a package that imports another while it runs is heard no more than others', async () => {
  const { write, run } = project();
  write(
    'node_modules/spring/index.js',
    `exports.water = { from: 'spring' }; import('node:path').then(({ sep }) => console.log(sep));`,
  );
  expect(await run('program.ts')).toMatch(/^spring one .*\n\/$/);
});

test('what runs is what stands there, however often it has run before', async () => {
  const { write, run } = project();
  expect(await run('program.ts')).toContain('spring 1 one');
  write('part.ts', `export const part: string = 'two';`);
  expect(await run('program.ts')).toContain('spring 1 two');
});

test('what was compiled is taken again, in a copy of the project as well, until some source is another', async () => {
  const { path, write, run } = project();
  await run('program.ts');
  // What is kept is what is used: nobody writes anything like this.
  for (const name of readdirSync(join(path, PROGRAMS))) {
    const kept = readFileSync(join(path, PROGRAMS, name), 'utf8');
    write(`${PROGRAMS}/${name}`, kept.replace('one', 'as kept'));
  }
  expect(await run('program.ts')).toContain('spring 1 as kept');
  const copy = temporaryFolder();
  onTestFinished(copy.remove);
  cpSync(path, copy.path, { recursive: true });
  expect(await run(join(copy.path, 'program.ts'))).toBe(`spring 1 as kept ${copy.path}/beside`);
  writeFileSync(join(copy.path, 'part.ts'), `export const part: string = 'two';`);
  expect(await run(join(copy.path, 'program.ts'))).toContain('spring 1 two');
  expect(await run('program.ts')).toContain('spring 1 as kept');
});

test('a file that a program finds by its name is found when it has come since', async () => {
  const { write, run } = project();
  write('parts/one.ts', `export const part = 'one';`);
  write(
    'finder.ts',
    `const [name] = process.argv.slice(2);
     const found = Promise.resolve().then(() => import(\`./parts/\${name}.ts\`)).catch(() => ({ part: 'none' }));
     void found.then(({ part }) => console.log(part));`,
  );
  expect([await run('finder.ts', 'one'), await run('finder.ts', 'two')]).toEqual(['one', 'none']);
  write('parts/two.ts', `export const part = 'two';`);
  expect(await run('finder.ts', 'two')).toBe('two');
});

test('packages are loaded from one file, until others are installed; of those before nothing is left', async () => {
  const { write, install, run, cached } = project();
  await run('--prepare', 'program.ts');
  const before = cached();
  expect(before).toEqual([expect.stringMatching(/\.cjs$/), expect.stringMatching(/\.cjs\.code$/), 'packages.json']);
  // It is this file that is used: nobody installs anything like this.
  write('node_modules/spring/index.js', 'throw new Error("loaded by itself")');
  expect(await run('program.ts')).toContain('spring 1');
  install('2');
  expect(await run('program.ts')).toContain('spring 2');
  expect(cached()).toHaveLength(3);
  expect(cached().filter(name => name !== 'packages.json' && before.includes(name))).toEqual([]);
});

test('a package that is asked for and not in the file is put into it, and none is there twice', async () => {
  const { write, run } = project();
  await run('program.ts');
  write('node_modules/lake/package.json', '{"name":"lake","main":"index.js"}');
  write('node_modules/lake/index.js', `exports.depth = require('spring').water;`);
  write('node_modules/river/package.json', '{"name":"river","type":"module","exports":{"import":"./index.js"}}');
  write('node_modules/river/index.js', `import { water } from 'spring'; export default water;`);
  write(
    'other.ts',
    `import { depth } from 'lake';
     import river from 'river';
     import { water } from 'spring';
     console.log('one spring:', depth === water, river === water);`,
  );
  expect(await run('other.ts')).toBe('one spring: true true');
});

test('a module that is preloaded changes the packages that the program has', async () => {
  const { write, run } = project();
  write('before.ts', `import { water } from 'spring'; water.from = 'elsewhere';`);
  expect(await run('--preload', 'before.ts', 'program.ts')).toContain('elsewhere one');
});

test('where nothing can be written, or what is there is broken, it runs all the same', async () => {
  const { path, write, run } = project();
  write(`${CACHE}/packages.json`, '{');
  expect(await run('program.ts')).toContain('spring 1');
  write('node_modules/.cache/other', '');
  await promisify(execFile)('rm', ['-r', join(path, CACHE), join(path, PROGRAMS)]);
  // A file where the folder should be stops the superuser as well.
  write(CACHE, '');
  await chmod(join(path, CACHE), 0o400);
  write(PROGRAMS, '');
  expect(await run('program.ts')).toContain('spring 1');
  await expect(run('--prepare', 'program.ts')).rejects.toThrow('EEXIST');
});

test('an error names the line of the source', async () => {
  const { path, write, run } = project();
  write(
    'wrong.ts',
    `type Nothing = { at: string };\n\nconst nothing: Nothing | undefined = undefined;\nthrow new Error('here');`,
  );
  await expect(run('wrong.ts')).rejects.toThrow(`${path}/wrong.ts:4`);
});
