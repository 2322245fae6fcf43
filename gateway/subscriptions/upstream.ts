import { setTimeout as delay } from 'node:timers/promises';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { eventBuffer, type StreamEvent } from './events.ts';
import { mailbox } from './mailbox.ts';

/** How often, and how long apart, a lost stream is opened again before it is given up. */
export type Retry = { attempts: number; firstMs: number; maxMs: number };

export const RETRY: Retry = { attempts: 20, firstMs: 100, maxMs: 2_000 };

/** A stream that lived this long was well: the next time it is lost, attempts count from one again. */
const STEADY_MS = 10_000;

export type UpstreamOptions = {
  /** Opens the stream; called again, for a fresh identity too, whenever it was lost. */
  open(): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
  /** Whether a result makes the one before it worthless, so that a slow reader gets the newest alone. */
  state: boolean;
  /**
   * Whether it is opened again after the event that was read last, so that nothing is missed: then it need not be read while
   * the reader is busy. Default false.
   */
  history?: boolean;
  /** Called with each result before it is handed on, and may take something out of it. */
  onResult?(result: ExecutionResult): void;
  retry: Retry;
  log: Logger;
};

/**
 * Keeps a subgraph's stream open for one reader: opens it, opens it again with back-off when it breaks, and marks the
 * event after the gap. It ends when the subgraph ends it, and never because it was lost: then `next()` rejects with
 * SUBGRAPH_STREAM_LOST. `return()` reaches the subgraph at once.
 */
export function upstream({
  open,
  state,
  history = false,
  onResult,
  retry,
  log,
}: UpstreamOptions): AsyncIterableIterator<StreamEvent<ExecutionResult>> {
  const stopped = new AbortController();
  let source: AsyncIterator<ExecutionResult> | undefined;
  let delivered = false;
  let resumed = false;

  const box = eventBuffer<ExecutionResult>({
    state,
    onReturn() {
      stopped.abort();
      leave();
    },
  });

  function leave(): void {
    const left = source;
    source = undefined;
    // What a stream says when it is left is nobody's business any more.
    left?.return?.().catch(() => undefined);
  }

  /**
   * Reads one stream until the subgraph ends it.
   *
   * @returns whether it has: a history is left where the reader is too slow for it, and waits for him.
   * @throws when it is lost.
   */
  async function read(): Promise<boolean> {
    source = iterate(await open());
    if (stopped.signal.aborted) {
      leave();
      return true;
    }
    for (let step = await source.next(); !step.done; step = await source.next()) {
      if (delivered && isOutage(step.value)) throw new Error('the subgraph cannot open the stream again yet');
      onResult?.(step.value);
      box.push({ result: step.value, resumed, skipped: 0 });
      delivered = true;
      resumed = false;
      if (stopped.signal.aborted) return true;
      if (!history || box.hasRoom()) continue;
      leave();
      await box.room();
      return false;
    }
    return true;
  }

  async function pump(): Promise<void> {
    for (let lost = 1; !stopped.signal.aborted; lost++) {
      const openedAtMs = Date.now();
      try {
        if (await read()) return box.end();
        lost = 0;
      } catch (error) {
        leave();
        if (stopped.signal.aborted) return;
        if (Date.now() - openedAtMs > STEADY_MS) lost = 1;
        const givenUp = lost > retry.attempts;
        // Once for an outage: every stream of a subgraph is lost with it, and every attempt fails alike.
        if (lost === 1 || givenUp) log.warn({ err: error, givenUp }, 'a stream of a subgraph was lost');
        if (givenUp) return box.end(streamLost());
        resumed = delivered && !history;
        await delay(backoffMs(retry, lost), undefined, { signal: stopped.signal }).catch(() => undefined);
      }
    }
  }

  void pump();
  return box.values;
}

const streamLost = (): GraphQLError =>
  new GraphQLError('The source of this subscription cannot be reached. Subscribe again.', {
    extensions: { code: 'SUBGRAPH_STREAM_LOST' },
  });

function backoffMs({ firstMs, maxMs }: Retry, attempt: number): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** (attempt - 1));
  return fullMs * (0.5 + Math.random() / 2);
}

function isOutage({ data, errors }: ExecutionResult): boolean {
  return data == null && errors?.[0]?.extensions?.code === 'UNAVAILABLE';
}

function iterate(opened: AsyncIterableIterator<ExecutionResult> | ExecutionResult): AsyncIterator<ExecutionResult> {
  if (Symbol.asyncIterator in opened) return opened[Symbol.asyncIterator]();
  const once = mailbox<ExecutionResult>({ capacity: 1, fold: (_, newer) => newer, onReturn: () => undefined });
  once.push(opened);
  once.end();
  return once.values;
}
