import { describe, expect, it } from 'vitest';
import { AUTH_SECRET } from '../system.ts';
import type { Door } from './door.ts';

/** A line of a stack, and where a file of the project or its packages lies. */
const STACK = /\n?\s+at .*[(/].*:\d+:\d+|node_modules|node:internal|file:\/\//;

export const secrets = (doorNow: () => Door) =>
  describe('of all that was answered and logged above', () => {
    /** Where the parts of the system are, which is nobody's business. */
    const addresses = ({ ports, servers }: Door) => [
      ...[servers.mongodbUrl, servers.redisUrl].map(url => new URL(url).host),
      `127.0.0.1:${ports.account}`,
      `127.0.0.1:${ports.nobody}`,
    ];

    it('no response holds a token, a secret, a stack or an internal address', () => {
      const door = doorNow();
      const text = door.seen.responses.join('\n');
      expect(door.seen.responses.length).toBeGreaterThan(500);
      expect(text).toContain('The body is no GraphQL request');
      for (const token of door.seen.tokens) expect(text).not.toContain(token);
      for (const secret of [AUTH_SECRET, ...addresses(door)]) expect(text).not.toContain(secret);
      expect(text).not.toMatch(STACK);
      expect(text).not.toMatch(/ECONNREFUSED|mongodb:|redis:|MongoServer|E11000|eyJ/);
    });

    it('no log holds a token or a secret', () => {
      const door = doorNow();
      const log = logOf(door);
      expect(log).toContain('"msg":"request"');
      for (const token of door.seen.tokens) expect(log).not.toContain(token);
      expect(log).not.toContain(AUTH_SECRET);
      expect(log).not.toMatch(/eyJ|Bearer/);
    });

    it('nothing was unexpected, and so no log holds a stack', () => {
      const lines = logOf(doorNow())
        .split('\n')
        .filter(line => line.includes('"level":50') || line.includes('"level":60'));
      expect(lines).toEqual([]);
      // That a service is away may be told with its address and the stack, to whoever reads the log, and so may all that
      // has to be asked for (level 20).
      const others = logOf(doorNow())
        .split('\n')
        .filter(line => !/"level":20|out of reach/.test(line));
      expect(others.filter(line => STACK.test(line))).toEqual([]);
      for (const address of addresses(doorNow()))
        expect(others.filter(line => line.includes(`//${address}`))).toEqual([]);
    });
  });

/** The lines that are log; the ready screen holds tokens for trying things out, as it should. */
const logOf = (door: Door): string =>
  door
    .logs()
    .join('\n')
    .split('\n')
    .filter(line => line.startsWith('{'))
    .join('\n');
