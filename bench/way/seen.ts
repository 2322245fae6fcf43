/** What a load generator has seen, and the line on which it says so. */
import type { Running } from '../process.ts';
import type { Times } from './histogram.ts';

export type Seen = {
  deposits: number;
  /** Until the last acknowledgement. */
  seconds: number;
  /** Until everything was in the lake, and everything watched had been pushed. */
  settledSeconds: number;
  /** Deposits that were not in the lake when the last was acknowledged. */
  lag: number;
  /** Watched, and never pushed. */
  unpushed: number;
  acknowledged: Times;
  pushed?: Times;
  generatorCpuMs: number;
};

export const RESULT = 'result: ';
const POLL_MS = 50;

/** Waits for the line of a process, which ends then. @throws when it ends without one. */
export async function resultOf<Value>(running: Running): Promise<Value> {
  for (;;) {
    const line = /^result: (.*)\n/m.exec(running.output())?.[1];
    if (line) return JSON.parse(line) as Value;
    if (!running.alive())
      throw new Error(`${running.name} has ended without a result:\n${running.output().slice(-3_000)}`);
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}
