/** A selection of `npm run faults`, one fault after the other on one system. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from './faults/cluster.ts';
import { type Bank, openBank } from './faults/load.ts';
import { type Row, runOn } from './faults/row.ts';
import { CONSUMER_POINTS, CRASHING, crashingWith, killAt } from './faults/rows/crash.ts';
import { poisonRows } from './faults/rows/poison.ts';
import { serverRows } from './faults/rows/servers.ts';
import { cut, flushed, killed, transferRow, transferRows } from './faults/rows/transfers.ts';
import { THOROUGH } from './thorough.ts';

let cluster: Cluster;
let bank: Bank;

beforeAll(async () => {
  const extras = { ...CRASHING.extras, balance: crashingWith('balance', 'throw') };
  cluster = await startCluster({ extras, proxied: ['account', 'transfer', 'balance'] });
  bank = await openBank(cluster.url);
});

afterAll(() => cluster?.stop());

const named = (rows: readonly Row[], ...names: string[]) => rows.filter(({ name }) => names.includes(name));

const crash: Row = {
  name: 'crash',
  what: 'a relay dies when it has sent and not said so, and a consumer twice in a row when it has stored its jobs',
  async fault(context) {
    await killAt(context, { account: 'after redis {balance}:marks eval' }, 1);
    await killAt(context, { reporting: CONSUMER_POINTS.reporting }, 2);
  },
};

const more = THOROUGH ? [...named(serverRows, 'redis-cut'), ...named(poisonRows, 'poison-throw')] : [];
const transfers = transferRow([[killed('transfer'), flushed, killed('account'), cut('transfer', 'mongodb')]], {
  name: 'transfers',
  what: 'the total of all accounts is the same whatever goes wrong while amounts are moved between them',
});

const rows = [...named(serverRows, 'redis-flush'), crash, ...(THOROUGH ? transferRows : [transfers]), ...more];

test.each(rows)('nothing is lost, and nothing happens twice: $what', async row => {
  const { lost, double, violations } = await runOn(row, cluster, bank, () => undefined);
  expect({ lost, double, violations }).toEqual({ lost: 0, double: 0, violations: [] });
}, 600_000);
