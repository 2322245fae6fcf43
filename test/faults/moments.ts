/** Moments of a service in words, for the table: pure. */

/** Right before or after a call, as preload/crash.ts names it: `before mongodb account.events insertOne deposited`. */
export type Moment = { service: string; at: string };

/** Calls that a system makes once or seldom, so that they may not come again while somebody waits for them. */
const SELDOM: readonly (readonly [call: RegExp, inWords: string])[] = [
  [/^mongodb \S+\.leases insertOne/, 'the first lease of a new database'],
  [/^mongodb registry\.bindings updateOne _id \$max\(\)$/, 'a watermark written that has not moved'],
  [/^mongodb \S+\.events insertOne account-opened/, 'the opening of an account'],
];

/** Says which moments did not come again: each call once, in words where there are some. */
export function notReached(moments: readonly Moment[]): string {
  const calls = new Map<string, string[]>();
  for (const { service, at } of moments) {
    const [when = '', ...rest] = at.split(' ');
    const call = rest.join(' ');
    const words = SELDOM.find(([pattern]) => pattern.test(call))?.[1] ?? call;
    const name = `${words} (${service}`;
    calls.set(name, [...(calls.get(name) ?? []), when]);
  }
  const parts = [...calls].map(([name, when]) => `${name}, ${when.join(' and ')})`);
  return `${moments.length} not reached: ${parts.join(', ')}`;
}
