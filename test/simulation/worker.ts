/** Runs a range of seeds in a process of its own, and writes what comes of them as lines of JSON. */
import { simulate } from './run.ts';

/** One line: a seed that failed, or how far it has got. */
export type Report =
  | { seed: number; violations: string[]; traceHash: string; scenario: unknown }
  | { done: number; steps: number; simulatedMs: number; traces: string[] };

const REPORT_EVERY = 25;

const [from = 1, count = 1, stopAtFailure = 0] = process.argv.slice(2).map(Number);
const tell = (report: Report) => process.stdout.write(`${JSON.stringify(report)}\n`);

async function main(): Promise<void> {
  const nothing = { done: 0, steps: 0, simulatedMs: 0, traces: [] as string[] };
  let since = nothing;
  for (let seed = from; seed < from + count; seed++) {
    const { violations, traceHash, scenario, steps, simulatedMs } = await simulate(seed);
    since = {
      done: since.done + 1,
      steps: since.steps + steps,
      simulatedMs: since.simulatedMs + simulatedMs,
      traces: [...since.traces, `${seed} ${traceHash}`],
    };
    const failed = violations.length > 0;
    if (failed) tell({ seed, violations: violations.slice(0, 10), traceHash, scenario });
    if (since.done === REPORT_EVERY || failed || seed === from + count - 1) {
      tell(since);
      since = nothing;
    }
    if (failed && stopAtFailure) break;
  }
  // Simulated processes leave promises behind that never settle; nothing real is open.
  process.exit(0);
}

void main();
