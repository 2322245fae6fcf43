/** Subscribers over graphql-ws that write down the versions they are sent. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client as SocketClient } from 'graphql-ws';
import type { Watch } from '../invariants.ts';
import type { Account, Bank } from './load.ts';

type Noted = { account: string; versions: number[]; open: boolean };

export type Watching = {
  /** What each subscription was sent so far; a connection that was lost ends one and begins another. */
  watches(): Watch[];
  stop(): Promise<void>;
};

const SUBSCRIBE = 'subscription ($id: ID!) { balanceChanged(accountId: $id) { balance { version } } }';
const AGAIN_MS = 200;

type Changed = { balanceChanged: { balance: { version: number } } };

export function watch(bank: Bank): Watching {
  const noted: Noted[] = [];
  const sockets = new Map<string, SocketClient>();
  let stopped = false;

  async function follow(socket: SocketClient, { id }: Account): Promise<void> {
    while (!stopped) {
      const begin = (): Noted => {
        const begun = { account: id, versions: [], open: true };
        noted.push(begun);
        return begun;
      };
      let current = begin();
      // graphql-ws subscribes again by itself, and the first message is the state of then.
      const off = socket.on('connected', () => {
        if (current.versions.length === 0) return;
        current.open = false;
        current = begin();
      });
      try {
        for await (const { data, extensions } of socket.iterate<Changed, { resumed?: boolean }>({
          query: SUBSCRIBE,
          variables: { id },
        })) {
          const version = data?.balanceChanged.balance.version;
          if (version === undefined) break;
          // After an upstream that was lost, the gateway sends the state of then, which may be known already.
          if (extensions?.resumed && version === current.versions.at(-1)) continue;
          current.versions.push(version);
        }
      } catch {
        // It is begun again below.
      }
      off();
      current.open = false;
      if (!stopped) await delay(AGAIN_MS);
    }
  }

  for (const account of bank.accounts) {
    const socket = sockets.get(account.owner) ?? bank.clientOf(account.owner).socket();
    sockets.set(account.owner, socket);
    void follow(socket, account);
  }
  return {
    watches: () => noted.map(({ account, versions, open }) => ({ account, versions: [...versions], toTheEnd: open })),
    async stop() {
      stopped = true;
      for (const socket of sockets.values()) await socket.dispose();
    },
  };
}
