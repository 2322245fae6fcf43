import { describe, expect, test } from 'vitest';
import { formatData, formatName, readJob } from './display.ts';
import { html, textOf } from './html.ts';
import { jobPage } from './pages.ts';

const event = (id: string, type = 'deposited') => ({
  specversion: '1.0',
  id,
  type,
  source: '/account',
  subject: 'a',
  time: '2026-01-31T12:00:00.000Z',
  data: { memo: 'private' },
});

describe('a job', () => {
  test('is named by its events, and shows each with its place in the lake', () => {
    const data = { source: 'account', events: [event('1'), event('2'), event('3', 'withdrawn')] };
    expect(formatName({ data })).toBe('2 × deposited, withdrawn');
    expect(formatData(data)).toEqual({
      from: 'account',
      events: ['deposited /events/1', 'deposited /events/2', 'withdrawn /events/3'],
    });
  });

  test('of a replay says so', () => {
    const data = { source: 'lake', replay: 'r', rebuild: 'copy', events: [event('1')] };
    expect(formatName({ data })).toBe('deposited (replay)');
    expect(formatData(data)).toMatchObject({ from: 'lake', replay: 'r', rebuild: 'copy' });
  });

  test('with many events shows the first 20, and how many there are beside', () => {
    const events = Array.from({ length: 1_500 }, (_, index) => event(String(index)));
    const shown = formatData({ source: 'lake', events });
    expect(shown.events).toHaveLength(20);
    expect(shown.more).toBe('980 more on the page of its events');
    expect(readJob({ source: 'lake', events }).events).toHaveLength(1_000);
  });

  test.each([
    [undefined],
    [null],
    ['text'],
    [{ events: 'none' }],
    [{ events: [null, 7, { id: 9, type: {} }] }],
  ])('may hold anything: %j', data => {
    expect(formatName({ data })).toEqual(expect.any(String));
    expect(formatData(data)).toMatchObject({ from: 'unknown', events: expect.any(Array) });
  });
});

test('whatever is in an event is text on the page of its job', () => {
  const evil = '"><img src=x onerror=alert(1)>';
  const page = jobPage(evil, evil, readJob({ source: evil, replay: evil, events: [event(evil, evil)] }));
  expect(page).not.toContain('<img');
  expect(page).toContain('&quot;&gt;&lt;img src=x onerror=alert(1)&gt;');
  expect(page).toContain(`href="/events/${encodeURIComponent(evil)}"`);
});

test('only what was made as HTML is HTML in HTML', () => {
  const made = html`<p>${'<b>'}${html`<i>${'&'}</i>`}${[html`<u>1</u>`, html`<u>2</u>`]}${{ html: '<s>' }}</p>`;
  expect(textOf(made)).toBe('<p>&lt;b&gt;<i>&amp;</i><u>1</u><u>2</u>[object Object]</p>');
});
