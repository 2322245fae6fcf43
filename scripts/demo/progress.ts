/** Shows how far a phase is: on a terminal one line that moves, elsewhere plain lines now and then. */

export type Screen = { write(text: string): void; isTerminal: boolean };

export type Phase = {
  done(count?: number): void;
  /** Ends the phase. @returns how long it took. */
  end(text?: string): number;
};

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 100;
const LINE_MS = 5_000;
const NAME_WIDTH = 20;
const CLEAR = '\r\u001b[K';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
export const count = (value: number): string => whole.format(value);
/** `1 event`, `1,204 events`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Text in colour, where that is wanted. */
export function paint(isTerminal: boolean) {
  const colour = (code: number) => (text: string) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { good: colour(32), bad: colour(31), dim: colour(2), bold: colour(1) };
}

/** @param unit what is counted. @param total undefined when nobody knows. */
export function startPhase(screen: Screen, name: string, unit: string, total?: number): Phase {
  const startedMs = performance.now();
  const { good } = paint(screen.isTerminal);
  let done = 0;
  let frame = 0;

  function line(): string {
    const tookMs = performance.now() - startedMs;
    const width = count(total ?? 0).length;
    const far = total === undefined ? count(done) : `${count(done).padStart(width)} of ${count(total)}`;
    const rate = `${count((done / Math.max(tookMs, 1)) * 1000)}/s`;
    return `${name.padEnd(NAME_WIDTH)}  ${far} ${unit}, ${rate}, ${seconds(tookMs)}`;
  }

  const timer = setInterval(
    () => {
      frame = (frame + 1) % FRAMES.length;
      screen.write(screen.isTerminal ? `${CLEAR}${FRAMES[frame]} ${line()}` : `  ${line()} …\n`);
    },
    screen.isTerminal ? FRAME_MS : LINE_MS,
  );

  return {
    done(more = 1) {
      done += more;
    },
    end(text) {
      clearInterval(timer);
      const shown = text === undefined ? line() : `${name.padEnd(NAME_WIDTH)}  ${text}`;
      screen.write(screen.isTerminal ? `${CLEAR}${good('✓')} ${shown}\n` : `  ${shown}\n`);
      return performance.now() - startedMs;
    },
  };
}
