/**
 * Bugs that the simulation must find: each is a change of the project's own source, made in a copy of it. The project
 * itself has no switch for any of them.
 */

export type Bug = {
  name: string;
  /** From the project's root. */
  file: string;
  /** Must stand in the file exactly once. */
  find: string;
  replace: string;
  /** The seed that found it last: looked at first. Written by `npm run simulate -- --bugs`. */
  foundBy: number;
  /** It is about transfers: looked for in the seeds that have some. */
  ofTransfers?: true;
  /** So rare that it may take so many seeds; by default as many as for all. */
  within?: number;
};

export const BUGS: readonly Bug[] = [
  // ---- identity ----
  {
    name: 'the ledger does not recognise a transaction that it has counted',
    file: 'subgraphs/balance/ledger.ts',
    find: '{ key: { cause: 1 }, unique: true, sparse: true },',
    replace: '',
    foundBy: 3,
  },
  {
    name: 'the lake takes only what is newer than the newest that it has seen',
    file: 'subgraphs/lake/store.ts',
    find: 'const { appended, heads } = await chain.append(events);',
    replace: `const latest = (await chain.head(CHAIN))?.event.time ?? '';
      const { appended, heads } = await chain.append(events.filter(({ time }) => time >= latest));`,
    foundBy: 1,
  },
  {
    name: 'statistics do not recognise an event that they have counted',
    file: 'subgraphs/reporting/statistics.ts',
    find: '    _id: event.id,\n    chain: chainName(event),',
    replace: "    _id: event.id + ' ' + ((head?.version ?? 0) + 1),\n    chain: chainName(event),",
    foundBy: 1,
  },
  {
    name: 'an idempotency key decides nothing',
    file: 'subgraphs/account/decide.ts',
    find: "return key === null || key === undefined ? newId : deriveId('idempotency key', ownerId, key);",
    replace: 'return newId + (key === ownerId ? deriveId(key) : "");',
    foundBy: 1,
  },
  {
    name: 'a key that was used for something else is answered as if it were the same',
    file: 'schema/input.ts',
    find: 'if (bodyOf(stored) === bodyOf(asked)) return;',
    replace: 'if (bodyOf(stored) !== "") return;',
    foundBy: 1,
  },
  {
    name: 'a withdrawal that is asked for again is decided again',
    file: 'subgraphs/account/resolvers.ts',
    find: 'const transaction = stored ?? (await record(withdraw(account, command, availableMinor, now), origin));',
    replace:
      'if (stored) withdraw(account, command, availableMinor, now);\n    const transaction = stored ?? (await record(withdraw(account, command, availableMinor, now), origin));',
    foundBy: 8,
  },
  // ---- relay ----
  {
    name: 'the relay pages by id',
    file: 'events/relay.ts',
    find: '    if (events.length === 0) return false;\n',
    replace: `    const place = current as { page?: string };
    const beyond = events.filter(({ id }) => id > (place.page ?? ''));
    events.splice(0, events.length, ...beyond);
    place.page = beyond.map(({ id }) => id).sort().at(-1) ?? place.page ?? '';
    if (events.length === 0) return false;
`,
    foundBy: 1,
  },
  {
    name: 'the mark is left before anything is sent',
    file: 'events/relay.ts',
    find: '    const connection = await sender.send(hops, {',
    replace: `    const early = nextFlush(current);
    if ((await leaveMarks(current, early, await transport.send([]))).length > 0) return new Set([-1, -2]);
    const connection = await sender.send(hops, {`,
    foundBy: 4,
  },
  {
    name: 'that sending failed is not noticed',
    file: 'events/relay.ts',
    find: 'again: lettersFor(events.filter(({ id }) => !gathered.has(id))),\n    });',
    replace: `again: lettersFor(events.filter(({ id }) => !gathered.has(id))),
    }).catch(() => [...sent.values()][0] ?? transport.send([]));`,
    foundBy: 32,
  },
  {
    name: 'the last event of a batch is lost',
    file: 'events/letters.ts',
    find: 'events: some })),',
    replace: 'events: some.length > 2 ? some.slice(0, -1) : some })),',
    foundBy: 1,
  },
  {
    name: 'nothing is sent again after a flush',
    file: 'events/tenure.ts',
    find: '{ relayed: { $gt: passed } },\n',
    replace: '{ relayed: { $gt: passed + Number.MAX_SAFE_INTEGER } },\n',
    foundBy: 6,
  },
  {
    name: 'after a flush it goes on from what was sent, not from what was passed',
    file: 'events/tenure.ts',
    find: 'const passed = Math.min(...found.map(binding => reached(binding, service)));',
    replace: `const passed = Math.max(
      ...found.map(binding => reached(binding, service)),
      ...lost.map(({ _id }) => current.marks.get(_id) ?? 0),
    );`,
    foundBy: 6,
  },
  {
    name: 'a new tenure takes the marks as it finds them',
    file: 'events/tenure.ts',
    find: 'else if (mark === undefined || mark < (last?.relayed ?? 0)) lost.push(binding);',
    replace:
      'else if (mark === undefined) await transport.resetMark(binding._id, service, 1).then(() => begun.marks.set(binding._id, 1));',
    foundBy: 6,
  },
  {
    name: 'a mark is left whatever was there',
    file: 'events/tenure.ts',
    find: 'current.bindings.map(({ _id }) => transport.mark(_id, service, current.marks.get(_id), number, connection)),',
    replace: 'current.bindings.map(({ _id }) => transport.resetMark(_id, service, number).then(() => true)),',
    foundBy: 20,
  },
  {
    name: 'losses are looked for only when a tenure begins',
    file: 'events/relay.ts',
    find: 'const isCheck = clock.monotonic() - tenure.checkedMs >= pollMs;',
    replace: 'const isCheck = clock.monotonic() < 0;',
    foundBy: 6,
  },
  {
    name: 'the relay has no poll behind its wake',
    file: 'events/relay.ts',
    find: 'if (tenure?.dueMs === undefined) return pollMs;',
    replace: 'if (tenure?.dueMs === undefined) return 1e9;',
    foundBy: 3,
  },
  {
    name: 'what was hurried is not sent again when it was lost before the flush',
    file: 'events/tenure.ts',
    find: '    current.hurried = new Map();\n    measures.recovered',
    replace: '    measures.recovered',
    foundBy: 35,
  },
  {
    name: 'what was hurried counts as sent to everybody',
    file: 'events/relay.ts',
    find: '!sent.has(id) || canWait(binding, type)',
    replace: '!sent.has(id) && type !== binding._id',
    foundBy: 1,
  },
  {
    name: 'what was handed over counts as handled',
    file: 'events/sending.ts',
    find: 'if (handed.length === 0) return [];',
    replace: 'if (handed.length < 1e9) return [];',
    foundBy: 35,
    within: 1_000,
  },
  {
    name: 'a relay that lost its lease may still clear',
    file: 'events/relay.ts',
    find: 'const unfenced = (fence: number) => ({ fence: { $not: { $gt: fence } } });',
    replace: 'const unfenced = (fence: number) => ({ ...(fence < 0 && { fence }) });',
    foundBy: 13,
  },
  {
    name: 'the fence does not rise with a new tenure',
    file: 'events/lease.ts',
    find: `      { $set: { holder, beat: 0 }, $inc: { fence: 1 } },
    );
    if (matchedCount === 0) return;
    tenure = { fence: fence + 1, renewedMs: startedMs };`,
    replace: `      { $set: { holder, beat: 0, fence: 1 } },
    );
    if (matchedCount === 0) return;
    tenure = { fence: 1, renewedMs: startedMs };`,
    foundBy: 72,
  },
  // ---- reconciler ----
  {
    name: 'what the lake lacks is not sent again',
    file: 'events/reconciler.ts',
    find: 'const lacking = await ask(due.filter(({ resent = 0 }) => resent < RESENT_MAX).map(({ _id }) => _id));',
    replace: 'const lacking = await ask([]);',
    foundBy: 35,
  },
  {
    name: 'the lake is asked for what is still on its way',
    file: 'events/reconciler.ts',
    find: 'const due = rows.filter(({ relayed = 0 }) => relayed <= settled && relayed !== beyond);',
    replace: 'const due = rows.filter(({ relayed = 0 }) => relayed <= settled + 1e12 && relayed !== beyond);',
    foundBy: 4,
  },
  // ---- seeding ----
  {
    name: 'a new service is not seeded',
    file: 'subgraphs/lake/seeder.ts',
    find: 'if (isLate && (await lake.size()) > 0) await',
    replace: 'if (isLate && (await lake.size()) < 0) await',
    foundBy: 7,
  },
  {
    name: 'a new service is seeded before the lake has what was before it',
    file: 'subgraphs/lake/seeder.ts',
    find: 'return flush === undefined || flush > (passed?.[source] ?? 0);',
    replace: 'return flush === undefined;',
    foundBy: 35,
  },
  {
    name: 'a new service is seeded before every source sends to it',
    file: 'subgraphs/lake/seeder.ts',
    find: 'return flush === undefined || flush > (passed?.[source] ?? 0);',
    replace: 'return flush !== undefined && flush > (passed?.[source] ?? 0);',
    foundBy: 35,
    within: 1_500,
  },
  // ---- watermark ----
  {
    name: 'the watermark does not wait for the jobs at hand',
    file: 'events/watermark.ts',
    find: 'if ([...open.jobs].some(job => jobs.has(job))) return;',
    replace: '',
    foundBy: 7,
  },
  {
    name: 'the watermark does not look whether something was lost meanwhile',
    file: 'events/watermark.ts',
    find: 'if (!reaches(await transport.marks(service), candidate)) return;',
    replace: '',
    foundBy: 25,
  },
  {
    name: 'the watermark looks at the first queue alone',
    file: 'events/watermark.ts',
    find: 'const jobs = await outstanding(holding);',
    replace: 'const jobs = await outstanding(holding.slice(0, 1).filter(partition => partition === 0));',
    foundBy: 41,
  },
  // ---- owners ----
  {
    name: 'nobody takes from queues that nobody sends to any more',
    file: 'events/partition.ts',
    find: '[...new Set([...used, ...holding])]',
    replace: '[...new Set([...used, ...holding.filter(partition => used.includes(partition))])]',
    foundBy: 32,
  },
  // ---- consumer ----
  {
    name: 'a job is acknowledged before it is handled',
    file: 'events/consumer.ts',
    find: 'return await submitTo(batchers[kindOf(job)], events);',
    replace: 'return void submitTo(batchers[kindOf(job)], events).catch(() => undefined);',
    foundBy: 4,
  },
  {
    name: 'a lost connection counts as the fault of the event',
    file: 'events/errors.ts',
    find: "  'MongoNetworkError',\n",
    replace: '',
    foundBy: 3,
  },
  {
    name: 'a batch that failed is not tried again',
    file: 'events/batcher.ts',
    find: 'for (const { reject } of batch) reject(error);',
    replace: 'for (const { resolve } of batch) resolve(error as undefined);',
    foundBy: 8,
  },
  // ---- chains ----
  {
    name: 'two rows of a chain may have the same version',
    file: 'events/store.ts',
    find: '{ key: { chain: 1, version: 1 }, unique: true, sparse: true } as const',
    replace: '{ key: { chain: 1, version: 1 }, unique: false, sparse: true } as const',
    foundBy: 7,
  },
  {
    name: 'rows of a batch do not wait for the row that they follow',
    file: 'events/store.ts',
    find: '{ ordered: true });',
    replace: '{ ordered: false });',
    foundBy: 1,
  },
  // ---- snapshots, views, statistics ----
  {
    name: 'snapshots restore nothing',
    file: 'subgraphs/balance/ledger.ts',
    find: 'if (missing.length === 0) return mended;',
    replace: 'if (missing.length >= 0) return mended;',
    foundBy: 11,
  },
  {
    name: 'a snapshot is restored without its version',
    file: 'subgraphs/balance/ledger.ts',
    find: '      const restored = missing.map(restoredRow);',
    replace:
      '      const sizes = new Map<string, number>();\n      for (const { subject = "" } of missing) sizes.set(subject, (await chain.head(subject))?.version ?? 0);\n      const restored = missing.map(event => {\n        const row = restoredRow(event);\n        const version = (sizes.get(row.chain) ?? 0) + 1;\n        sizes.set(row.chain, version);\n        return { ...row, version };\n      });',
    foundBy: 11,
  },
  {
    name: 'a view shows what came last, whatever its version',
    file: 'subgraphs/account/projection.ts',
    find: 'const newest = version > row.version ?',
    replace: 'const newest = version > 0 ?',
    foundBy: 1,
  },
  {
    name: 'a projection overwrites what another process has written',
    file: 'events/view.ts',
    find: 'updateOne: { filter: { _id, revision: before }, update',
    replace: 'updateOne: { filter: { _id, ...(before < 0 && { revision: before }) }, update',
    foundBy: 11,
  },
  {
    name: 'a view is written whatever it shows',
    file: 'events/view.ts',
    find: "filter: { _id, version: { [replay ? '$lte' : '$lt']: fields.version } }",
    replace: 'filter: { _id }',
    foundBy: 30,
  },
  {
    name: 'transactions are not marked as settled again after a crash',
    file: 'subgraphs/account/view.ts',
    find: '      const marked = await mark(updates, how);',
    replace:
      "      const shown = new Map((await balancesOf(updates.map(({ subject = '' }) => subject))).map(row => [row._id, row.version]));\n      void accounts.apply(updates, how).catch(() => undefined);\n      const marked = await mark(updates.filter(({ subject = '', data }) => data.version > (shown.get(subject) ?? 0)), how);",
    foundBy: 1,
  },
  {
    name: 'a replay adds to hours that have lost rows',
    file: 'subgraphs/reporting/statistics.ts',
    find: 'let { wrong, stored } = await mend(suspects, told);',
    replace: 'let { wrong, stored } = await mend([], told);',
    foundBy: 2,
  },
  // ---- watches ----
  {
    name: 'a watcher is not told that messages may have been lost',
    file: 'events/feed.ts',
    find: 'if (watchers.size > 0) subscribe([...watchers.keys()]);',
    replace: '',
    foundBy: 131,
  },
  {
    name: 'a watcher is shown older versions',
    file: 'subgraphs/account/resolvers.ts',
    find: 'if (row.version <= shown) return undefined;',
    replace: '',
    foundBy: 1,
  },
  {
    name: 'the balance is told only when it has changed, also after a crash',
    file: 'subgraphs/account/view.ts',
    find: 'const { rows, changed } = await accounts.apply(updates, how);',
    replace:
      "const before = new Map((await balancesOf(updates.map(({ subject = '' }) => subject))).map(row => [row._id, row.version]));\n      const { rows: all, changed } = await accounts.apply(updates, how);\n      const rows = all.filter(row => row.version > (before.get(row._id) ?? 0));",
    foundBy: 74,
  },
  {
    name: 'a slow watcher is left with the message that came last, whatever its version',
    file: 'events/feed.ts',
    find: 'versionOf && versionOf(next.message) < versionOf(held.message) ? held : next;',
    replace: 'versionOf && versionOf(next.message) < 0 ? held : next;',
    foundBy: 35,
  },
  // ---- replays ----
  {
    name: 'a replay does not send again what was lost',
    file: 'subgraphs/lake/replaying.ts',
    find: 'if (nowMs - oldest.sentMs > SEND_AGAIN_MS)',
    replace: 'if (nowMs - oldest.sentMs > 1e9)',
    foundBy: 12,
  },
  {
    name: 'a replay that was given up with its lease is not begun again when the lease is held again',
    file: 'subgraphs/lake/replayer.ts',
    find: '      tenure = { fence, over: new AbortController() };',
    replace: '      if (fence !== undefined) tenure = { fence, over: new AbortController() };',
    foundBy: 1,
  },
  {
    name: 'what was cached is followed though whoever stored an event has left a newer head',
    file: 'events/store.ts',
    find: 'for (const { chain, version } of rows) if (version > (heads.get(chain)?.version ?? 0)) heads.delete(chain);',
    replace: '',
    foundBy: 24,
    within: 1_500,
  },
  {
    name: 'a replay sends what would be counted before what restores',
    file: 'subgraphs/lake/replay.ts',
    find: 'return [first, rest].filter',
    replace: 'return [rest, first].filter',
    foundBy: 11,
  },
  // ---- owners ----
  {
    name: 'anybody may move money of an account',
    file: 'subgraphs/account/resolvers.ts',
    find: 'if (account?.ownerId === ownerId) return account;',
    replace: 'if (account && ownerId) return account;',
    foundBy: 2,
  },
  {
    name: 'anybody may see and watch an account',
    file: 'subgraphs/account/resolvers.ts',
    find: 'operator || account.ownerId === ownerId;',
    replace: 'operator || account.ownerId !== "" || ownerId === "";',
    foundBy: 1,
  },
  {
    name: 'other services show an account to anybody',
    file: 'schema/errors.ts',
    find: '(ownerId !== undefined && ownerId === identity.ownerId)',
    replace: '(ownerId !== undefined)',
    foundBy: 1,
  },
  // ---- transfers ----
  {
    name: 'a refused transfer can be answered once more, otherwise',
    file: 'subgraphs/account/transfers.ts',
    find: "refusal(withdrawalRefused, request, 'withdrawal', fromAccountId, reason, nowMs);",
    replace:
      "({ ...refusal(withdrawalRefused, request, 'withdrawal', fromAccountId, reason, nowMs), id: 'no ' + request.id });",
    foundBy: 1000007,
    ofTransfers: true,
  },
  {
    name: 'what is paid in and what is paid back are one answer',
    file: 'subgraphs/account/transfers.ts',
    find: "return moved(deposited, reversed, 'return', accountId",
    replace: "return moved(deposited, reversed, 'deposit', accountId",
    foundBy: 1000001,
    ofTransfers: true,
  },
  {
    name: 'a transfer may be funded and expire',
    file: 'subgraphs/transfer/decide.ts',
    find: "decision: 'course',\n    since: transferRequested,",
    replace: "decision: 'expiry',\n    since: transferRequested,",
    foundBy: 1000001,
    ofTransfers: true,
  },
  {
    name: 'what is taken out after a transfer has expired stays out',
    file: 'subgraphs/transfer/decide.ts',
    find: 'whenAllOf: [transferRequested, transferExpired, withdrawn],',
    replace: 'whenAllOf: [transferRequested, transferExpired, withdrawn, depositRefused],',
    foundBy: 1000001,
    ofTransfers: true,
  },
  {
    name: 'what is taken out counts for nothing until it is settled',
    file: 'subgraphs/account/transfers.ts',
    find: 'await outbox.append(event, fieldsOf(event));',
    replace: 'await outbox.append(event, {});',
    foundBy: 1000001,
    ofTransfers: true,
  },
  {
    name: 'only what was not collected before is evaluated',
    file: 'events/correlation.ts',
    find: 'for (const some of chunk(keys, KEYS_AT_ONCE)) await evaluate(some);',
    replace: 'if (changed > 0) for (const some of chunk(keys, KEYS_AT_ONCE)) await evaluate(some);',
    foundBy: 1000019,
    ofTransfers: true,
  },
];
