import { spawn } from 'node:child_process';

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const frameMs = 100;
/** Between signs of life where lines cannot be redrawn. */
const lineMs = 10_000;
/** Of a failed command's output: what is wrong tends to stand at the top, how it ended at the bottom. */
const headLines = 12;
const tailLines = 20;
const tailCharacters = 32_000;

/** The set-up was told to stop, and nothing more is to be begun. */
export class InterruptedError extends Error {}

/**
 * Runs a long command, showing what is being done and for how long: on a terminal in one line that moves, elsewhere
 * in plain lines. The command's own output is shown only when it fails.
 * @param {string} what what is being done, for people
 * @param {string[]} command the program and its arguments
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, timeoutMs: number }} options
 * @returns {Promise<{ ok: boolean, output: string }>} `output`: why it failed, then the first and last lines written
 * @throws {InterruptedError} when a signal came; the command has ended then
 */
export async function step(what, [program, ...args], { env = process.env, cwd, timeoutMs }) {
  const beganMs = performance.now();
  const elapsed = () => `${Math.round((performance.now() - beganMs) / 1000)} s`;
  const show = display(what, elapsed);
  let interrupted = false;
  const forward = signal => {
    interrupted = true;
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // Before the command begins, which may be quick to end whoever began it.
  for (const signal of signals) process.on(signal, forward);
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });

  let head = '';
  let tail = '';
  const collect = chunk => {
    if (head.split('\n').length <= headLines) head += chunk;
    else tail = (tail + chunk).slice(-tailCharacters);
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);

  const reason = await new Promise(resolve => {
    child.once('error', error => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? '' : signal ? `ended by ${signal}` : `exit code ${code}`),
    );
  });

  clearTimeout(timer);
  for (const signal of signals) process.off(signal, forward);
  show.end(reason === '');
  if (interrupted) throw new InterruptedError();
  const why = late ? `not done after ${elapsed()}` : reason;
  return { ok: reason === '', output: indent([why, ...excerpt(`${head}${tail}`.trimEnd().split('\n'))]) };
}

function excerpt(lines) {
  if (lines.length <= headLines + tailLines) return lines;
  return [...lines.slice(0, headLines), '…', ...lines.slice(-tailLines)];
}

function indent(lines) {
  return lines.map(line => `  ${line}`).join('\n');
}

/** Written to the standard error, so that a command's standard output stays its own. */
function display(what, elapsed) {
  const out = process.stderr;
  const moving = out.isTTY && !process.env.CI && process.env.TERM !== 'dumb';
  let frame = 0;
  const draw = () => {
    frame = (frame + 1) % frames.length;
    out.write(`\r\x1b[K${frames[frame]} ${what} … ${elapsed()}`);
  };
  if (!moving) out.write(`${what} …\n`);
  const timer = moving
    ? setInterval(draw, frameMs)
    : setInterval(() => out.write(`${what} … still at it after ${elapsed()}\n`), lineMs);
  return {
    end(ok) {
      clearInterval(timer);
      out.write(`${moving ? '\r\x1b[K' : ''}${what}: ${ok ? 'done' : 'failed'} after ${elapsed()}\n`);
    },
  };
}
