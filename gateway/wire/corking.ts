import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { atEndOfTurn } from './turn.ts';

type Data = Parameters<WebSocket['send']>[0];
type Sent = (error?: Error) => void;

/**
 * A WebSocket whose messages of one turn of the event loop leave in one system call, which is most of what a small message
 * costs. It has to be told of its connection.
 */
export class CorkedSocket extends WebSocket {
  #connection: Socket | undefined;
  #corked = false;

  /** @param connection what it runs on, once it is open. */
  cork(connection: Socket): void {
    this.#connection = connection;
  }

  /** Of ws's two ways to call it, the one that is used here. */
  override send(data: Data, sent?: unknown): void {
    const connection = this.#connection;
    if (connection && !this.#corked) {
      this.#corked = true;
      connection.cork();
      atEndOfTurn(() => {
        this.#corked = false;
        connection.uncork();
      });
    }
    super.send(data, typeof sent === 'function' ? (sent as Sent) : undefined);
  }
}
