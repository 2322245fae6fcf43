/** In which order test files run. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What takes more than some ten seconds, longest first. Vitest knows it from the run before, and a fresh clone has none: there it would
 * begin with the longest sources.
 */
export const LONGEST: readonly string[] = [
  'test/simulation/seeds.test.ts',
  'test/faults.test.ts',
  'test/guide.test.ts',
  'test/rebuild.test.ts',
  'test/processes.test.ts',
  'test/upgrade.test.ts',
  'test/door/safe.test.ts',
  'events/suspects.test.ts',
  'test/browser/operator.test.ts',
  'test/rollout.test.ts',
  'test/browser/lake.test.ts',
  'test/simulation/bugs.test.ts',
  'test/import.test.ts',
  'gateway/subscriptions/index.test.ts',
  'test/visible.test.ts',
  'test/durability.test.ts',
  'test/flow.test.ts',
  'test/browser/owner.test.ts',
  'embedded/mongodb/journal.test.ts',
  'test/samples.test.ts',
  'bench/budget.test.ts',
  'gateway/sockets/sockets.test.ts',
  'test/browser/playground.test.ts',
  'test/browser/access.test.ts',
  'test/browser/recovery.test.ts',
  'subgraphs/lake/query.test.ts',
  'subgraphs/lake/verify.test.ts',
  'test/doctor.test.ts',
  'embedded/mongodb/plan.test.ts',
  'subgraphs/lake/reconciling.test.ts',
  'test/door/fuzz.test.ts',
  'events/tenure.test.ts',
  'subgraphs/lake/replaying.test.ts',
  'test/transfer.test.ts',
  'test/audit.test.ts',
  'test/order.test.ts',
];

/** What takes longest begins first, so that at the end no worker is left alone with it. Vitest asks for a class. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const place = ({ moduleId, project }: TestSpecification) => {
      const found = LONGEST.indexOf(relative(project.config.root, moduleId));
      return found < 0 ? LONGEST.length : found;
    };
    return others.sort((one, other) => place(one) - place(other));
  }
}
