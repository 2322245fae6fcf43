/**
 * `npm run bench:profile -- FOLDER [--deposits N] [--top N]`: what dominates in the CPU profiles (`--cpu-prof`) of a folder: of each
 * process, milliseconds by package or folder and by function, the function's own time alone. Idle time is left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

type Frame = { functionName: string; url: string; lineNumber: number };
/** What V8 writes; times in microseconds. */
export type CpuProfile = {
  nodes: readonly { id: number; callFrame: Frame }[];
  samples: readonly number[];
  timeDeltas: readonly number[];
};

export type Share = { name: string; ms: number };
export type ProfileSummary = { totalMs: number; functions: Share[]; places: Share[] };

const root = fileURLToPath(new URL('..', import.meta.url));
const IDLE = new Set(['(idle)', '(root)']);

/** Own time by function and by place, most first. */
export function summarize({ nodes, samples, timeDeltas }: CpuProfile): ProfileSummary {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  let totalMs = 0;
  samples.forEach((id, index) => {
    const frame = frames.get(id);
    if (!frame || IDLE.has(frame.functionName)) return;
    const ms = (timeDeltas[index] ?? 0) / 1_000;
    totalMs += ms;
    const place = placeOf(frame);
    add(functions, `${frame.functionName || '(anonymous)'} ${fileOf(frame.url)}`, ms);
    add(places, place, ms);
  });
  return { totalMs, functions: sorted(functions), places: sorted(places) };
}

function add(to: Map<string, number>, name: string, ms: number): void {
  to.set(name, (to.get(name) ?? 0) + ms);
}

const sorted = (of: Map<string, number>): Share[] =>
  [...of].map(([name, ms]) => ({ name, ms })).sort((one, other) => other.ms - one.ms);

function fileOf(url: string): string {
  const path = url.replace(/^file:\/\//, '');
  return path.startsWith(root) ? relative(root, path).replace(/^.*node_modules\//, '') : path;
}

/** A package, a folder of the project, or what V8 and Node do themselves. */
function placeOf({ functionName, url }: Frame): string {
  if (!url) return functionName.startsWith('(') ? functionName : 'V8 and system calls';
  if (url.startsWith('node:')) return url.split('/')[0] === 'node:internal' ? 'node:internal' : url;
  const library = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  return library ?? fileOf(url).split('/').slice(0, 2).join('/');
}

export function reportOf(name: string, { totalMs, functions, places }: ProfileSummary, deposits: number, top: number) {
  const each = (ms: number) =>
    `${((ms * 1_000) / deposits).toFixed(1).padStart(9)} µs ${((ms / totalMs) * 100).toFixed(1).padStart(5)} %`;
  const lines = (shares: readonly Share[]) => shares.slice(0, top).map(share => `${each(share.ms)}  ${share.name}`);
  return [`## ${name}: ${(totalMs / deposits).toFixed(3)} ms`, ...lines(places), '', ...lines(functions), ''].join(
    '\n',
  );
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { deposits: { type: 'string', default: '1000' }, top: { type: 'string', default: '15' } },
  });
  const [folder] = positionals;
  if (!folder) throw new Error('a folder with .cpuprofile files is wanted: npm run bench:profile -- FOLDER');
  for (const file of readdirSync(folder).filter(name => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
    const name = basename(file, '.cpuprofile');
    process.stdout.write(`${reportOf(name, summarize(profile), Number(values.deposits), Number(values.top))}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
