import { expect, test } from 'vitest';
import { addressOf, routeOf } from './router.ts';

test.each([
  ['/', { place: 'home' }],
  ['/accounts', { place: 'accounts' }],
  ['/accounts/', { place: 'accounts' }],
  ['/accounts/a%2Fb', { place: 'accounts', id: 'a/b' }],
  ['/events/019a', { place: 'events', id: '019a' }],
  ['/graphiql', undefined],
  ['/accounts/a/b', undefined],
  ['/accounts/%', undefined],
  ['/constructor', undefined],
])('%s leads to %o', (path, route) => {
  expect(routeOf(path)).toEqual(route);
});

test('an address leads back to what it was made of', () => {
  for (const id of ['a', 'a/b', 'ü ?#%', '..'])
    expect(routeOf(addressOf('accounts', id))).toEqual({ place: 'accounts', id });
});

test('what filters stands in the query string, and nothing where there is no filter', () => {
  expect(addressOf('events', undefined, { type: 'deposited', subject: '', after: null })).toBe(
    '/events?type=deposited',
  );
  expect(addressOf('events', undefined, {})).toBe('/events');
});
