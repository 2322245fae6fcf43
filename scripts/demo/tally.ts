/** What was checked while the owners were busy. */
import type { Finding } from './compare.ts';

export type Tally = {
  answers: Finding;
  /** Requests that had to be refused. */
  probes: Finding;
  readBacks: Finding;
  /** Withdrawals that were not covered. */
  declined: number;
  /** Tells how far it is. */
  step(): void;
};

export const createTally = (step: () => void): Tally => ({
  answers: { compared: 0, differences: [] },
  probes: { compared: 0, differences: [] },
  readBacks: { compared: 0, differences: [] },
  declined: 0,
  step,
});

export function note(finding: Finding, compared: number, differences: readonly string[]): void {
  finding.compared += compared;
  finding.differences.push(...differences);
}
