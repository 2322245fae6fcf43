import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually, OPEN_ACCOUNT } from '../system.ts';
import { type Client, type Door, LIMITS, type RawSocket } from './door.ts';

const subscribe = (id: string, query: string, variables: object = {}) => ({
  type: 'subscribe',
  id,
  payload: { query, variables },
});
const TYPENAME = '{ __typename }';
const WATCH = 'subscription ($id: ID!) { balanceChanged(accountId: $id) { id } }';

/** What a client does, and with what it is closed. Who says nothing is closed too, as gateway/sockets/sockets.test.ts waits to see. */
const CLOSED: [string, number, (socket: RawSocket, token: string) => void][] = [
  ['says something else first', 4401, socket => socket.send(subscribe('1', TYPENAME))],
  ['brings no token', 4403, socket => socket.send({ type: 'connection_init' })],
  [
    'brings a bad token',
    4403,
    socket => socket.send({ type: 'connection_init', payload: { authorization: 'Bearer abc' } }),
  ],
  [
    'brings an operator of the store for a token',
    4403,
    socket => socket.send({ type: 'connection_init', payload: { authorization: { $ne: null } } }),
  ],
  ['sends what is no JSON', 4400, socket => socket.send('{')],
  ['sends what is no message', 4400, socket => socket.send({ type: 'nonsense' })],
  ['asks without a document', 4400, socket => socket.send({ type: 'subscribe', id: '1', payload: {} })],
  ['sends 17 KB at once', 1009, socket => socket.send(subscribe('1', TYPENAME, { x: 'x'.repeat(17 * 1024) }))],
];

/** The same of clients that were let in. */
const CLOSED_AFTER: [string, number, (socket: RawSocket, token: string) => void][] = [
  [
    'introduces itself twice',
    4429,
    (socket, token) => socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }),
  ],
  ['sends what is no JSON', 4400, socket => socket.send('{"type": ')],
  ['sends what is no message', 4400, socket => socket.send('[]')],
  ['asks twice under one id', 4409, socket => ['1', '1'].forEach(id => void socket.send(subscribe(id, SLOW)))],
  ['sends 17 KB at once', 1009, socket => socket.send(subscribe('1', TYPENAME, { x: 'x'.repeat(17 * 1024) }))],
];
/** Waits for hints, and so is there while the next one comes. */
const SLOW = 'subscription { eventStored { id } }';

export const sockets = (doorNow: () => Door) =>
  describe('a socket', () => {
    it.each(CLOSED)('is closed of a client that %s: %i', async (_, code, act) => {
      const socket = await doorNow().open(doorNow().url, { say: false });
      act(socket, '');
      expect(await socket.closed).toBe(code);
      expect(socket.messages).toEqual([]);
    });

    it.each(CLOSED_AFTER)('that was let in is closed when the client %s: %i', async (_, code, act) => {
      const client = await doorNow().client({ roles: ['operator'] });
      const socket = await client.socket();
      act(socket, client.token);
      expect(await socket.closed).toBe(code);
    });

    it('takes a document and variables that fit into 16 KB', async () => {
      const client = await doorNow().client();
      const query = `{ accounts { nodes { id } } } # ${'x'.repeat(15_000)}`;
      expect((await client.subscribe({ query })).codes).toEqual([]);
    });

    it.each([
      'https://evil.example',
      'null',
      'http://127.0.0.1:1',
      'http://localhost',
    ])('is not opened from a page of %s', async origin => {
      const socket = new WebSocket(`${doorNow().url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
        origin,
      });
      const [error] = await once(socket, 'error');
      expect(error.message).toBe('Unexpected server response: 403');
    });

    it('is opened from a page of its own', async () => {
      const door = doorNow();
      const { token } = await door.client();
      const options = { params: { authorization: `Bearer ${token}` }, headers: { origin: door.url } };
      const socket = await door.open(door.url, options);
      await eventually(
        async () => socket.messages,
        messages => messages.length > 0,
      );
      expect(socket.messages).toEqual([{ type: 'connection_ack' }]);
      socket.end();
    });

    it('too many of one identity is closed with 4429, and the others go on', async () => {
      const client = await doorNow().client();
      const held = [];
      for (let index = 0; index < LIMITS.connections; index++) held.push(await client.socket());
      const params = { authorization: `Bearer ${client.token}` };
      expect(await (await doorNow().open(doorNow().url, { params })).closed).toBe(4429);
      for (const socket of held) {
        socket.send(subscribe('1', TYPENAME));
        expect(await socket.next('1')).toMatchObject({ payload: { data: { __typename: 'Query' } } });
        socket.end();
      }
      await Promise.all(held.map(({ closed }) => closed));
      (await client.socket()).end();
    });

    it('has so many subscriptions; one more is an error, and the others go on', async () => {
      const client: Client = await doorNow().client();
      const { data } = await client.ask(OPEN_ACCOUNT, { name: 'watched' });
      const { id } = (data as { openAccount: { account: { id: string } } }).openAccount.account;
      const socket = await client.socket();
      const names = Array.from({ length: LIMITS.subscriptions }, (_, index) => `s${index}`);
      for (const name of names) socket.send(subscribe(name, WATCH, { id }));
      for (const name of names) expect(await socket.next(name)).toMatchObject({ type: 'next' });
      socket.send(subscribe('more', WATCH, { id }));
      expect(await socket.next('more')).toMatchObject({
        type: 'error',
        payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }],
      });
      socket.send({ type: 'complete', id: 's0' });
      socket.send(subscribe('again', WATCH, { id }));
      expect(await socket.next('again')).toMatchObject({ type: 'next' });
      socket.end();
    });
  });
