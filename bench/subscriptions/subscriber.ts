/**
 * A socket with subscriptions that costs little, so that the machine is the gateway's: messages of graphql-transport-ws
 * are written by hand and looked at as text. Every delivery has to be whole.
 */
import { WebSocket } from 'ws';

export type SocketOptions = {
  url: string;
  token: string;
  /** Of each subscription, the account that it watches. */
  accounts: readonly string[];
  selection: string;
  /** Called with when the change came about that has arrived. */
  onDelivery(emittedAtMs: number): void;
  /** Called with whatever else comes, or the end of the socket before it was closed here. */
  onFailure(what: string): void;
};

export type OpenSocket = {
  /** Resolves when the other end has closed it too. */
  close(): Promise<void>;
};

const EMITTED_AT = '"emittedAt":';
/** More digits than a number has; what comes after the number is not read. */
const NUMBER_CHARS = 24;
const ENTRY = '"nodes":[{"version":';
const WELCOME_WITHIN_MS = 60_000;

/** @returns when each subscription has had its first delivery. @throws when that does not come. */
export const openSocket = (options: SocketOptions): Promise<OpenSocket> =>
  new Promise((resolve, reject) => begin(options, resolve, reject));

function begin(
  { url, token, accounts, selection, onDelivery, onFailure }: SocketOptions,
  resolve: (socket: OpenSocket) => void,
  reject: (error: Error) => void,
): void {
  const query = `subscription ($id: ID!) { balanceChanged(accountId: $id) ${selection} }`;
  const entries = selection.includes('nodes');
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false, skipUTF8Validation: true });
  const timer = setTimeout(() => fail('no first delivery'), WELCOME_WITHIN_MS);
  let [welcomed, closing] = [0, false];

  const say = (message: object): void => socket.send(JSON.stringify(message));

  function fail(what: string): void {
    if (closing) return;
    clearTimeout(timer);
    onFailure(what);
    reject(new Error(what));
  }

  function subscribe(): void {
    for (const [place, id] of accounts.entries()) {
      say({ id: `s${place}`, type: 'subscribe', payload: { query, variables: { id } } });
    }
  }

  function hear(text: string): void {
    const place = text.indexOf(EMITTED_AT);
    if (place > 0 && !text.includes('"errors"') && (!entries || text.includes(ENTRY))) {
      const start = place + EMITTED_AT.length;
      onDelivery(Number.parseFloat(text.slice(start, start + NUMBER_CHARS)));
      if (welcomed < accounts.length && ++welcomed === accounts.length) {
        clearTimeout(timer);
        resolve({ close });
      }
    } else if (text.includes('"connection_ack"')) subscribe();
    else if (text.includes('"ping"')) say({ type: 'pong' });
    else if (!text.includes('"pong"')) fail(text);
  }

  function close(): Promise<void> {
    closing = true;
    return new Promise(closed => {
      socket.once('close', () => closed());
      if (socket.readyState === socket.CLOSED) closed();
      else socket.close(1000);
    });
  }

  socket.on('open', () => say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  socket.on('message', (data: Buffer) => hear(data.toString('latin1')));
  socket.on('error', error => fail(error.message));
  socket.on('close', code => fail(`the socket was closed with ${code}`));
}
