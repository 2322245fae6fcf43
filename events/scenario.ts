/**
 * Scenarios: tests that read as what happened before, what happens now, and what comes of it. For the three kinds of thing
 * that a service is made of: decisions, views, and rules.
 *
 *     given(opened, paidIn(100)).when(withdrawing(30)).then({ type: 'withdrawn', data: { amountMinor: 30 } });
 *
 * What is expected is named as far as it matters: fields that it does not mention may be anything; how many there are, and
 * in which order, always counts. A failure is an AssertionError with what was expected and what came, for any test runner.
 */
import assert from 'node:assert/strict';
import type { Event } from './event.ts';
import { applyRules, type Rule, readThrough } from './rule.ts';
import type { ProjectionOptions, ProjectionRow } from './view.ts';

/** A part of something, to any depth; of an array, one part for each of its elements. */
export type Part = object;

/** What has happened before a command. */
export type DecisionScenario<Command> = {
  when(command: Command): {
    /** The events that are decided, in their order; none: nothing happens. */
    then(...events: Part[]): void;
    /**
     * The command is refused.
     *
     * @param code the error's `extensions.code` (a GraphQL error's), else its `code`, else its name.
     * @param naming what its message has in it.
     */
    thenRefused(code: string, naming?: string | RegExp): void;
  };
};

/**
 * Scenarios for a decision: pure, from a command and a state to events.
 *
 * @param of `initial` makes the state before anything happened, `evolve` the state after one more event, and `decide`
 *   answers one event, several or none, or throws what refuses the command. Time and ids are in the command.
 * @returns `given(...events)`.
 */
export function decisionScenarios<State, Command>({
  initial,
  evolve,
  decide,
}: {
  initial(): State;
  evolve(state: State, event: Event): State;
  decide(command: Command, state: State): Event | readonly Event[] | undefined;
}): (...events: readonly Event[]) => DecisionScenario<Command> {
  return (...events) => ({
    when(command) {
      const run = () => listed(decide(command, events.reduce(evolve, initial())));
      return {
        // biome-ignore lint/suspicious/noThenProperty: given, when, then; nobody awaits it.
        then: (...expected) => assertParts(run(), expected),
        thenRefused: (code, naming) => assertRefused(run, code, naming),
      };
    },
  });
}

/** What a view has been told before. */
export type ViewScenario<Update, Row> = {
  when(...updates: Update[]): {
    /** The rows that the updates come to, in the order in which their ids are first mentioned. */
    then(...rows: (Part & Partial<Row>)[]): void;
  };
};

/**
 * Scenarios for a view: what `createProjection` is given, without its collection. Each is also tried backwards and with every
 * update twice: a view that cares about order or duplicates fails.
 *
 * @returns `given(...updates)`, where the updates are events or what they are read as.
 */
export function viewScenarios<Row extends ProjectionRow, Update>({
  idOf,
  project,
}: Pick<ProjectionOptions<Row, Update>, 'idOf' | 'project'>): (...updates: Update[]) => ViewScenario<Update, Row> {
  function rowsOf(updates: readonly Update[]): Map<string, Row> {
    const rows = new Map<string, Row>();
    for (const update of updates) {
      const id = idOf(update);
      rows.set(id, project(rows.get(id), update, { replay: false }));
    }
    return rows;
  }
  /** `revision` is the projection's own. */
  const content = (row: Row | undefined) => ({ ...row, revision: 0 });

  return (...before) => ({
    when(...news) {
      const updates = [...before, ...news];
      return {
        // biome-ignore lint/suspicious/noThenProperty: given, when, then; nobody awaits it.
        then(...expected) {
          const rows = rowsOf(updates);
          assertParts([...rows.values()], expected);
          const twice = rowsOf(updates.flatMap(update => [update, update]));
          const backwards = rowsOf([...updates].reverse());
          for (const [id, row] of rows) {
            assert.deepEqual(content(twice.get(id)), content(row), `${id}: an update twice comes to another row`);
            assert.deepEqual(content(backwards.get(id)), content(row), `${id}: another order comes to another row`);
          }
        },
      };
    },
  });
}

/** A service without queues: its rules, and all that it has emitted so far, in the order of emission. */
export type Alone = { rules: readonly Rule[]; emitted(): Promise<readonly Event[]> };

/** What has been delivered to rules before. */
export type RuleScenario = {
  when(...events: Event[]): {
    /** The events that are emitted because of what was delivered, in their order; none: nothing is. */
    then(...events: Part[]): Promise<void>;
  };
};

/**
 * Scenarios for rules: those of a whole service, or some. Events are read through the contracts and delivered as the consumer
 * does it. Each scenario then delivers all of it again, and once more as a replay: rules that emit anything else because of
 * that fail.
 *
 * @param open a service with nothing in its store; a new one for each scenario.
 * @returns `given(...events)`, the events that were delivered before. `then` is to be awaited.
 */
export function ruleScenarios(open: () => Alone | Promise<Alone>): (...events: Event[]) => RuleScenario {
  return (...before) => ({
    when: (...news) => ({
      // biome-ignore lint/suspicious/noThenProperty: given, when, then; what it returns is awaited, not what has it.
      async then(...expected) {
        const { rules, emitted } = await open();
        const deliver = async (events: readonly Event[], replay: boolean) => {
          const read = events.map(event => readThrough(rules, event));
          await applyRules(rules, read, { replay });
        };
        for (const event of before) await deliver([event], false);
        const already = (await emitted()).length;
        await deliver(news, false);
        const all = await emitted();
        assertParts(all.slice(already), expected);
        for (const replay of [false, true]) {
          await deliver([...before, ...news], replay);
          const again = (await emitted()).slice(all.length);
          assert.deepEqual(again, [], `delivered again${replay ? ' as a replay' : ''}, it emits more`);
        }
      },
    }),
  });
}

const listed = (outcome: Event | readonly Event[] | undefined): readonly Event[] =>
  outcome === undefined ? [] : [outcome].flat();

/** @throws AssertionError unless each expected part is in its place, and nothing else is there. */
function assertParts(actual: readonly object[], expected: readonly Part[]): void {
  assert.deepEqual(asMentioned(actual, expected), expected);
}

/** What is there, without what `expected` does not mention. */
function asMentioned(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.map((value, index) => (index < expected.length ? asMentioned(value, expected[index]) : value));
  }
  if (!isRecord(actual) || !isRecord(expected)) return actual;
  const mentioned = Object.keys(expected).filter(key => key in actual || expected[key] === undefined);
  return Object.fromEntries(mentioned.map(key => [key, asMentioned(actual[key], expected[key])]));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function assertRefused(run: () => readonly Event[], code: string, naming: string | RegExp = ''): void {
  let decided: readonly Event[];
  try {
    decided = run();
  } catch (error) {
    const { message } = error as Error;
    assert.equal(codeOf(error as Error), code, `refused, but with another code: ${message}`);
    if (typeof naming === 'string')
      assert.ok(message.includes(naming), `the refusal does not name "${naming}": ${message}`);
    else assert.match(message, naming);
    return;
  }
  assert.fail(`not refused: ${decided.map(({ type }) => type).join(', ') || 'nothing happens'}`);
}

function codeOf(error: Error & { code?: unknown; extensions?: { code?: unknown } }): unknown {
  return error.extensions?.code ?? error.code ?? error.name;
}
