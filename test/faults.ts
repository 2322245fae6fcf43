/** `npm run faults`: real faults under real load, each held to the invariants. `--list` says which there are. */
import { parseArgs } from 'node:util';
import { type Result, runRow } from './faults/row.ts';
import { rowsFor } from './faults/rows/index.ts';
import { describe, isRight, writeTable } from './faults/table.ts';

const EVENTS_DEFAULT = 1_000_000;

const { values } = parseArgs({
  options: {
    row: { type: 'string' },
    list: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    events: { type: 'string', default: String(EVENTS_DEFAULT) },
  },
});

async function main(): Promise<number> {
  const all = rowsFor({ events: Number(values.events) });
  if (values.list) {
    for (const { name, what } of all) process.stdout.write(`${name.padEnd(24)}${what}\n`);
    return 0;
  }
  const names = values.row?.split(',');
  const unknown = names?.filter(name => !all.some(row => row.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no row ${unknown.join(', ')}: see --list`);
  const rows = all.filter(({ name }) => names?.includes(name) ?? true);
  const results: Result[] = [];
  for (const [index, row] of rows.entries()) {
    const startedMs = performance.now();
    const place = `[${index + 1}/${rows.length}] ${row.name}`;
    const say = (text: string) =>
      process.stdout.write(`${place}  ${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
    const result = await runRow(row, say);
    results.push(result);
    process.stdout.write(`${describe(result)}\n`);
    if (values.write) writeTable(all, result);
  }
  const wrong = results.filter(result => !isRight(result));
  process.stdout.write(
    `${results.length} rows, ${wrong.length} with violations${wrong.map(({ name }) => ` ${name}`)}\n`,
  );
  return wrong.length === 0 ? 0 : 1;
}

// What was started ends with this process, in the order of things: see platform.ts and disk.ts.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

process.exit(await main());
