/**
 * The watermark: how far a service has durably got in what each source has sent it. It is what makes the queue
 * disposable: after a loss the relays send again all that lies beyond it.
 *
 * How it moves: look at the marks, at which queues hold something then, and then at the jobs that are still there. Every event of a flush up to a mark is
 * in one of these jobs or already in the service's data (a job leaves the queue only after that). When all these jobs
 * are gone and the marks have not gone back meanwhile (which is how a loss shows), the marks have been passed.
 */
import type { Bindings } from './binding.ts';
import type { Roll, Transport } from './transport.ts';

type Marks = Record<string, number>;

/** Above this the watermark waits: a backlog costs no more than this to look at. */
const OUTSTANDING_MAX = 20_000;

/** How far a service has durably got with each source. */
export type Watermark = {
  /**
   * Moves the service's watermark when it can. Costs nothing in the database while nothing has been sent.
   *
   * @param seen marks and queues as they were at one moment, just now: what was left with these marks and is still there is
   *   in one of these queues.
   */
  observe(seen: Pick<Roll, 'marks' | 'holding'>): Promise<void>;
};

/** Moves the watermark of one service, whenever it is told to observe. */
export function createWatermark(options: { service: string; transport: Transport; bindings: Bindings }): Watermark {
  const { service, transport, bindings } = options;
  let passed: Marks = {};
  let open: { marks: Marks; jobs: Set<string> } | undefined;

  async function outstanding(holding: readonly number[]): Promise<Set<string> | undefined> {
    const jobs = await transport.outstanding(service, holding, OUTSTANDING_MAX);
    // Jobs with a name of their own are a replay's, which looks after them itself.
    return jobs && new Set(jobs.flatMap(({ partition, id }) => (isNumber(id) ? [`${partition}/${id}`] : [])));
  }

  return {
    async observe({ marks, holding }) {
      if (open && !reaches(marks, open.marks)) open = undefined;
      if (!open && sameMarks(marks, passed)) return;
      const jobs = await outstanding(holding);
      if (!jobs) return;
      open ??= { marks, jobs };
      if ([...open.jobs].some(job => jobs.has(job))) return;
      const candidate = open.marks;
      open = undefined;
      // A loss between the two looks above would have emptied the queues, and taken the marks with it.
      if (!reaches(await transport.marks(service), candidate)) return;
      await bindings.pass(service, candidate);
      passed = candidate;
    },
  };
}

const isNumber = (id: string) => /^\d+$/.test(id);

function reaches(marks: Marks, earlier: Marks): boolean {
  return Object.entries(earlier).every(([source, flush]) => (marks[source] ?? -1) >= flush);
}

function sameMarks(a: Marks, b: Marks): boolean {
  return reaches(a, b) && reaches(b, a);
}
