import type { ExecutionResult } from 'graphql';
import { eventBuffer, type StreamEvent } from './events.ts';
import type { Mailbox } from './mailbox.ts';

/** Everybody who subscribes to the same: one stream from the subgraph, one execution for every event of it. */
export type Group<Context, Result> = {
  /** @returns what one more of them gets; `return()` leaves, and the last one to leave closes the group. */
  join(context: Context): AsyncIterableIterator<StreamEvent<Result>>;
  /** Ends it for all of them. */
  end(error: Error): void;
};

export type GroupOptions<Context, Result> = {
  /**
   * Opens the stream, and may open it again later; `context` is then that of whoever came last and is still there, whose
   * credentials are the freshest.
   */
  open(context: () => Context): AsyncIterableIterator<StreamEvent<ExecutionResult>>;
  /** Makes of an event what the subscribers get. Must not change the event, which may come again. */
  execute(event: StreamEvent<ExecutionResult>, context: Context): Promise<Result>;
  /** Whether an event is a state: then it makes the one before it worthless, and the newest is what newcomers begin with. */
  state: boolean;
  /** Whether it waits for its subscriber, who is its only one. Default false. */
  waits?: boolean;
  /** Called once, when it has ended. */
  onClose(): void;
};

/**
 * Joins subscribers who want the same. Nobody waits for anybody: a slow one gets the newest when he is ready for it.
 *
 * A newcomer begins with the newest state, executed anew for him and all who came meanwhile, since what other subgraphs
 * add to it may have changed after it.
 */
export function group<Context, Result>(options: GroupOptions<Context, Result>): Group<Context, Result> {
  const { open, execute, state, waits = false, onClose } = options;
  type Member = Mailbox<StreamEvent<Result>>;
  const members = new Map<Member, Context>();
  const newcomers = new Set<Member>();
  let newest: StreamEvent<ExecutionResult> | undefined;
  let stream: AsyncIterableIterator<StreamEvent<ExecutionResult>> | undefined;
  let freshest: Context;
  let closed = false;
  let turn: Promise<void> = Promise.resolve();

  function context(): Context {
    for (const each of members.values()) freshest = each;
    return freshest;
  }

  /** One execution after the other: else an older state might come after a newer one. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    turn = turn.then(work).catch(close);
    return turn;
  }

  async function deliver(event: StreamEvent<ExecutionResult>, receivers: readonly Member[]): Promise<void> {
    if (receivers.length === 0) return;
    const result = await execute(event, context());
    const { resumed, skipped } = event;
    for (const receiver of receivers) receiver.push({ result, resumed, skipped });
  }

  async function broadcast(event: StreamEvent<ExecutionResult>): Promise<void> {
    newest = event;
    newcomers.clear();
    await deliver(event, [...members.keys()]);
  }

  async function welcome(): Promise<void> {
    const receivers = [...newcomers];
    newcomers.clear();
    if (newest) await deliver({ ...newest, resumed: false, skipped: 0 }, receivers);
  }

  async function read(events: AsyncIterableIterator<StreamEvent<ExecutionResult>>): Promise<void> {
    try {
      for await (const event of events) {
        await inTurn(() => broadcast(event));
        if (waits) await Promise.all([...members.keys()].map(member => member.room()));
      }
      // After whoever came meanwhile has got the newest too.
      await inTurn(async () => close());
    } catch (error) {
      close(error);
    }
  }

  function close(error?: unknown): void {
    if (closed) return;
    closed = true;
    onClose();
    const cause = error === undefined || error instanceof Error ? error : new Error(String(error));
    for (const member of members.keys()) member.end(cause);
    members.clear();
    // What a stream says when it is left is nobody's business any more.
    stream?.return?.().catch(() => undefined);
  }

  function leave(member: Member): void {
    members.delete(member);
    newcomers.delete(member);
    if (members.size === 0) close();
  }

  return {
    join(joining) {
      const member: Member = eventBuffer({ state, onReturn: () => leave(member) });
      members.set(member, joining);
      freshest = joining;
      if (!stream) {
        stream = open(context);
        void read(stream);
      } else if (state && newest) {
        if (newcomers.size === 0) void inTurn(welcome);
        newcomers.add(member);
      }
      return member.values;
    },
    end: close,
  };
}
