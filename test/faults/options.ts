/** What the faults were asked for: pure. */
import { parseArgs } from 'node:util';
import type { Row } from './row.ts';

export const USAGE = `npm run faults -- [--row NAME,NAME] [--write] [--events N] | --list

  --row     the rows to run, with commas between them (all but those that are run by name only)
  --list    says which rows there are
  --write   puts each result into the table in docs/RELIABILITY.md
  --events  how many events the row backlog begins with (1000000)

Most rows take a minute or less, crash-everywhere some 10 minutes. The longest, crash-every-service and backlog, are run
by name only. Each row has a system of its own; the machine should have nothing else to do.

Ends with 0 when every row is without violations, 1 when one is not, 2 when it could not be tried.`;

/** A mistake in what was asked for: shown as one line, with the usage. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export type Options = { names: string[] | undefined; list: boolean; write: boolean; events: number };

const EVENTS = { otherwise: '1000000', max: 100_000_000 };

/** @throws UsageError. @returns 'help' when that was asked for. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { row, list, write, events, help } = parse(args);
  if (help) return 'help';
  const number = Number(events);
  if (!Number.isInteger(number) || number < 1 || number > EVENTS.max) {
    throw new UsageError(`--events must be a whole number from 1 to ${EVENTS.max}, not "${events}"`);
  }
  return { names: row?.split(',').map(name => name.trim()), list, write, events: number };
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ row: { type: 'string' }, list: flag, write: flag, help: flag },
        events: { type: 'string', default: EVENTS.otherwise },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Named = Pick<Row, 'name' | 'byNameOnly'>;

/** The rows of these names, in the order of the table; without names, all but those by name only. @throws UsageError. */
export function chosen<Each extends Named>(all: readonly Each[], names: readonly string[] | undefined): Each[] {
  if (!names) return all.filter(({ byNameOnly }) => !byNameOnly);
  const unknown = names.filter(name => !all.some(row => row.name === name));
  if (unknown.length > 0) {
    throw new UsageError(`there is no row ${unknown.map(name => `"${name}"`).join(', ')}: --list says which there are`);
  }
  return all.filter(({ name }) => names.includes(name));
}
