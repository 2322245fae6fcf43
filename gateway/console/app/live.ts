/** Subscriptions: one socket for all, which connects again by itself for as long as somebody is signed in. */
import { effect, signal } from '@preact/signals';
import { type Client, createClient } from 'graphql-ws/client';
import type { Document } from './client.ts';
import { Failure, NETWORK } from './failure.ts';
import { REFUSED, session, signOut } from './session.ts';

/** `refused`: the gateway takes no more connections of this person. */
export type LiveState = 'off' | 'connecting' | 'connected' | 'reconnecting' | 'refused';

export const live = signal<LiveState>('off');
/** How often the connection came back: what was asked over HTTP may be old since, and is asked again. */
export const returns = signal(0);

const PING_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 4_000;
const FORBIDDEN = 4403;
/** What a subscription ends with that does as well when it is opened again. */
const OPENED_AGAIN = ['SUBGRAPH_STREAM_LOST', 'SUBSCRIPTION_SCHEMA_RELOAD', 'UNAVAILABLE'];

const client = signal<Client | undefined>(undefined);

/** Half of the time is chance, so that not everybody comes back at once. The browser knows when there is a network again. */
function pause(retries: number): Promise<void> {
  const ms = Math.min(RETRY_MS_MIN * 2 ** retries, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
  });
}

function connect(token: string): Client {
  let overdue: ReturnType<typeof setTimeout> | undefined;
  const made = createClient({
    url: `${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}/graphql`,
    connectionParams: { authorization: `Bearer ${token}` },
    lazy: false,
    onNonLazyError: () => undefined,
    keepAlive: PING_MS,
    connectionAckWaitTimeout: PING_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: pause,
    shouldRetry: event => !(event instanceof CloseEvent && event.code === FORBIDDEN),
    on: {
      connecting: isRetry => {
        live.value = isRetry ? 'reconnecting' : 'connecting';
      },
      connected: (_socket, _payload, wasRetry) => {
        live.value = 'connected';
        if (wasRetry) returns.value++;
      },
      ping: received => {
        if (received) return;
        // A network that went away without a word.
        overdue = setTimeout(() => made.terminate(), PONG_WITHIN_MS);
      },
      pong: received => {
        if (received) clearTimeout(overdue);
      },
      closed: event => {
        clearTimeout(overdue);
        if (session.value?.token !== token) return;
        const code = event instanceof CloseEvent ? event.code : 0;
        if (code === FORBIDDEN) signOut(REFUSED);
        else live.value = code === 4429 ? 'refused' : 'reconnecting';
      },
    },
  });
  return made;
}

/** Keeps the socket open for whoever is signed in. @returns what ends it. */
export function startLive(): () => void {
  return effect(() => {
    const token = session.value?.token;
    if (!token) return;
    const opened = connect(token);
    client.value = opened;
    return () => {
      client.value = undefined;
      live.value = 'off';
      void opened.dispose();
    };
  });
}

/**
 * Subscribes for as long as it is not ended, over all losses of the connection: the first value after each is the newest state.
 *
 * @param variables read anew each time it is opened: one that is changed meanwhile says where to go on.
 * @param failed told of what does not come right by itself.
 * @returns what ends it.
 */
export function watch<Data, Variables extends Record<string, unknown>>(
  document: Document<Data, Variables>,
  variables: Variables,
  next: (data: Data, extensions?: Record<string, unknown>) => void,
  failed: (failure: Failure) => void,
): () => void {
  let ended = false;
  let end = () => {};
  const open = () => {
    const socket = client.peek();
    if (ended || !socket) return;
    end = socket.subscribe<Data, Record<string, unknown>>(
      { query: document.text, variables },
      {
        next: ({ data, errors, extensions }) => {
          if (data && !errors?.length) next(data, extensions ?? undefined);
          else stop(errors);
        },
        error: stop,
        complete: () => undefined,
      },
    );
  };
  function stop(error: unknown): void {
    const failure = failureOf(error);
    if (OPENED_AGAIN.includes(failure.code)) void pause(2).then(open);
    else failed(failure);
  }
  open();
  return () => {
    ended = true;
    end();
  };
}

function failureOf(error: unknown): Failure {
  if (!Array.isArray(error)) return new Failure(NETWORK, 'The connection was closed.');
  const [first] = error;
  return new Failure(String(first?.extensions?.code ?? 'UNKNOWN'), String(first?.message ?? 'The subscription ended.'));
}
