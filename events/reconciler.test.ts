import { expect, onTestFinished, test } from 'vitest';
import { systemIds } from './clock.ts';
import { fakeClock, happening, ORIGIN, silent, until } from './fixture.ts';
import { type Answer, LAKE, type Question, startReconciler } from './reconciler.ts';
import { leaseOf, started } from './relay.fixture.ts';

const WITHIN_MS = 2_000;

/** A reconciler of an entry that was relayed; whoever tests is the lake. */
async function reconciling() {
  const { system, events, pending } = await started(LAKE, ORIGIN);
  await events.insertOne({ _id: '1', event: happening('1'), relayed: 1 });
  await system.bindings.pass(LAKE, { [ORIGIN]: 1 });
  const clock = fakeClock();
  // The round over everything, which asks as well, has just ended.
  await system.bindings.reconcile(ORIGIN, { flush: 0, unconfirmed: 0, resent: 0, at: '', roundMs: clock.now() });
  const questions: Question[] = [];
  let hear: (answer: Answer) => void = () => undefined;
  const reconciler = startReconciler({
    ...{ service: ORIGIN, collection: () => events, lease: leaseOf(1), bindings: system.bindings },
    ...{ clock, ids: systemIds, log: silent, onMissing: () => undefined },
    feed: {
      publish: async messages => void questions.push(...messages.map(({ message }) => message as Question)),
      listen(_topic, handle) {
        hear = answer => handle(answer as never);
        return () => undefined;
      },
      watch: () => {
        throw new Error('nothing is watched here');
      },
      close: () => undefined,
    },
  });
  onTestFinished(() => reconciler.stop());
  /** The next question. */
  async function asked(): Promise<string> {
    const before = questions.length;
    while (questions.length === before) await clock.pass(WITHIN_MS);
    return questions.at(-1)?.id ?? '';
  }
  const answer = (id: string, ...lacking: string[]) => hear({ id, lacking });
  return { clock, asked, answer, pending };
}

test('what the lake lacks is pending again', async () => {
  const { asked, answer, pending } = await reconciling();
  const question = await asked();
  expect(await pending()).toBe(0);
  answer(question, '1');
  await until(async () => (await pending()) === 1);
});

test('an answer that comes too late is nobody’s, and the next one is waited for all the same', async () => {
  const { clock, asked, answer, pending } = await reconciling();
  const first = await asked();
  await clock.pass(WITHIN_MS);
  answer(first, '1');
  const second = await asked();
  // As long as the lake may take.
  await clock.pass(WITHIN_MS / 2);
  answer(second, '1');
  await until(async () => (await pending()) === 1);
});
