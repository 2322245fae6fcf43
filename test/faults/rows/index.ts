/** All rows, in the order of the table. */
import type { Row } from '../row.ts';
import { backlogRow } from './backlog.ts';
import { crashRows } from './crash.ts';
import { poisonRows } from './poison.ts';
import { processRows } from './processes.ts';
import { serverRows } from './servers.ts';
import { transferRows } from './transfers.ts';

export function rowsFor({ events }: { events: number }): Row[] {
  return [...crashRows, ...processRows, ...serverRows, ...poisonRows, ...transferRows, backlogRow(events)];
}
