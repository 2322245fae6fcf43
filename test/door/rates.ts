import { describe, expect, it } from 'vitest';
import { type Client, type Door, LIMITS } from './door.ts';

const query = '{ __typename }';

/** Asks at once over HTTP as often as is allowed. */
const exhaust = (client: Client) =>
  Promise.all(Array.from({ length: LIMITS.requests }, async () => (await client.post({ query })).status));

export const rates = (doorNow: () => Door) =>
  describe('an identity', () => {
    it('asks so often in a minute, over HTTP and sockets together; others are not held up by it', async () => {
      const client = await doorNow().client();
      expect(new Set(await exhaust(client))).toEqual(new Set([200]));
      const overHttp = await client.post({ query });
      expect([overHttp.status, overHttp.codes, overHttp.headers.get('retry-after')]).toEqual([
        429,
        ['TOO_MANY_REQUESTS'],
        '60',
      ]);
      const overSocket = await client.subscribe({ query });
      expect([overSocket.codes, overSocket.data]).toEqual([['TOO_MANY_REQUESTS'], undefined]);
      const again = await doorNow().client({ sub: client.sub, roles: ['operator'] });
      expect((await again.post({ query })).status).toBe(429);
      expect((await (await doorNow().client()).post({ query })).status).toBe(200);
    });

    it('asks so often over a socket, and documents that are refused count like any other', async () => {
      const client = await doorNow().client();
      const socket = await client.socket();
      const codes = [];
      for (let index = 0; index <= LIMITS.requests; index++) {
        socket.send({ type: 'subscribe', id: `${index}`, payload: { query: index % 2 ? query : '{ nonsense }' } });
        const { type, payload } = await socket.next(`${index}`);
        codes.push(type === 'error' ? (payload as { extensions: { code: string } }[])[0]?.extensions.code : type);
      }
      expect(codes.at(-1)).toBe('TOO_MANY_REQUESTS');
      expect(codes.indexOf('TOO_MANY_REQUESTS')).toBe(LIMITS.requests);
      expect((await client.post({ query })).status).toBe(429);
      socket.end();
    });
  });
