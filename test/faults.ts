/** `npm run faults`: real faults under real load, each held to the invariants. `--list` says which there are. */
import { chosen, readOptions, USAGE, UsageError } from './faults/options.ts';
import { type Result, type Row, runRow } from './faults/row.ts';
import { rowsFor } from './faults/rows/index.ts';
import { describe, isRight, writeTable } from './faults/table.ts';

/** @returns the exit code. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const all = rowsFor(options);
  if (options.list) {
    const aside = (row: Row) => (row.byNameOnly ? ' (long: by name only)' : '');
    for (const row of all) process.stdout.write(`${row.name.padEnd(24)}${row.what}${aside(row)}\n`);
    return 0;
  }
  const rows = chosen(all, options.names);
  const results: Result[] = [];
  for (const [index, row] of rows.entries()) {
    const startedMs = performance.now();
    const place = `[${index + 1}/${rows.length}] ${row.name}`;
    const say = (text: string) =>
      process.stdout.write(`${place}  ${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
    const result = await runRow(row, say);
    results.push(result);
    process.stdout.write(`${describe(result)}\n`);
    if (options.write) writeTable(all, result);
  }
  const wrong = results.filter(result => !isRight(result));
  process.stdout.write(
    `${results.length} rows, ${wrong.length} with violations${wrong.map(({ name }) => ` ${name}`)}\n`,
  );
  return wrong.length === 0 ? 0 : 1;
}

// What was started ends with this process, in the order of things: see platform.ts and disk.ts.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

main().then(
  code => process.exit(code),
  error => {
    const mistake = error instanceof UsageError;
    process.stderr.write(mistake ? `${error.message}\n\n${USAGE}\n` : `${error?.stack ?? error}\n`);
    process.exit(mistake ? 2 : 1);
  },
);
