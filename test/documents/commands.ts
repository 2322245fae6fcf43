/** Whether the commands that documents name are there, with the flags that they are given: for those that no test runs. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { read, root } from './read.ts';

const { scripts, version } = JSON.parse(read('package.json')) as { scripts: Record<string, string>; version: string };

/** @returns what is wrong with the commands of a block of shell, or of a command in code marks. */
export const problemsOfShell = (code: string): string[] =>
  code
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map(line => line.replace(/(^|\s+)#.*$/, ''))
    .flatMap(line => line.split(/&&|\|/))
    .map(command => command.trim())
    .filter(command => command !== '')
    .flatMap(command => problemsOf(words(command)).map(problem => `${command}: ${problem}`));

const words = (command: string): string[] => command.match(/(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'])+/g) ?? [];

function problemsOf([program = '', ...args]: string[]): string[] {
  // A variable before a command.
  if (/^[A-Z_]+=/.test(program)) return args.length > 0 ? problemsOf(args) : [];
  switch (program) {
    case 'export':
      return [];
    case 'npm':
      return problemsOfNpm(args);
    case 'node':
      return problemsOfNode(args);
    case 'docker':
      return problemsOfDocker(args);
    case 'kubectl':
      return problemsOfKubectl(args);
    default:
      return [`nobody knows what ${program} is`];
  }
}

function problemsOfNpm(args: string[]): string[] {
  const [verb, ...rest] = args.filter(word => word !== '-s');
  if (verb === 'start' || verb === 'test') return verb in scripts ? flagsOf(rest) : [`no script ${verb}`];
  if (verb !== 'run') return [`npm ${verb} is not looked at`];
  const [name = '', ...given] = rest;
  if (!(name in scripts)) return [`no script ${name}`];
  const known = optionsOf(name);
  return flagsOf(given).filter(flag => !known.some(text => declares(text, flag)));
}

/** After `--`, which npm does not take for its own. */
function flagsOf(args: string[]): string[] {
  const [first, ...rest] = args;
  if (first === undefined) return [];
  if (first !== '--') return [`"--" is missing before ${first}`];
  return rest.filter(word => /^--[a-z]/.test(word)).map(word => word.replace(/=.*/, ''));
}

/** The sources in which a script's program says which options it takes: its own file and those that it imports. */
function optionsOf(script: string): string[] {
  const [file] = /[\w/-]+\.ts\b/.exec(scripts[script] ?? '') ?? [];
  if (file === undefined) return [];
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  const imported = [...read(file).matchAll(/ from '\.\/([\w/-]+\.ts)'/g)].map(([, path]) => folder + path);
  return [file, ...imported].map(read).filter(text => text.includes('parseArgs('));
}

/** Whether any program takes this option. */
export const isOption = (flag: string): boolean =>
  Object.keys(scripts).some(name => optionsOf(name).some(text => declares(text, flag)));

const declares = (text: string, flag: string): boolean =>
  new RegExp(`\\b${flag.slice(2)}'?: (\\{ type: |text|flag|number|boolean)`).test(text);

/** A program of the project, by the script that runs it. */
function problemsOfNode(args: string[]): string[] {
  const programs = args.filter(word => /\.(mjs|ts)$/.test(word));
  const absent = missing(programs);
  if (absent.length > 0) return absent;
  const text = read(programs.at(-1) ?? '');
  return flagsOf(['--', ...args]).filter(flag => !declares(text, flag));
}

const missing = (paths: string[]): string[] =>
  paths.filter(path => !existsSync(join(root, path))).map(path => `no ${path}`);

function problemsOfDocker(args: string[]): string[] {
  const [verb, ...rest] = args;
  if (verb === 'compose') {
    const files = rest.filter((_, at) => rest[at - 1] === '-f');
    return missing(files.length > 0 ? files : ['docker-compose.yml']);
  }
  if (verb !== 'build' && verb !== 'push') return [`docker ${verb} is not looked at`];
  const image = rest.find(word => word.includes('/')) ?? '';
  const isOurs = image.endsWith(`/tributary:${version}`) && read('deploy/kubernetes/gateway.yaml').includes(version);
  return [...missing(['Dockerfile']), ...(isOurs ? [] : [`${image} is not the image of the manifests`])];
}

const manifests = readdirSync(join(root, 'deploy/kubernetes'))
  .filter(name => name.endsWith('.yaml'))
  .map(name => read(`deploy/kubernetes/${name}`))
  .join('\n');

function problemsOfKubectl(args: string[]): string[] {
  const rest = args.filter((word, at) => word !== '-n' && args[at - 1] !== '-n');
  const [verb, ...what] = rest;
  if (verb === 'apply') return missing(what.filter(word => word !== '-k'));
  if (verb === 'create' && what[0] === 'namespace') return [];
  if (verb === 'create' && what[0] === 'secret') {
    const given = rest.flatMap(word => /^--from-literal=(\w+)=/.exec(word)?.[1] ?? []).sort();
    const wanted = [...new Set([...manifests.matchAll(/key: (\w+) } }/g)].map(([, key = '']) => key))].sort();
    return given.join() === wanted.join() ? [] : [`the manifests want ${wanted.join(', ')}`];
  }
  if (verb === 'port-forward') {
    const [, name, port] = /service\/(\w+) \d+:(\d+)/.exec(what.join(' ')) ?? [];
    const isThere = new RegExp(`kind: Service\\n[\\s\\S]*?name: ${name},[\\s\\S]*?port: ${port},`).test(manifests);
    return isThere ? [] : [`no Service ${name} with port ${port}`];
  }
  return [`kubectl ${verb} is not looked at`];
}
