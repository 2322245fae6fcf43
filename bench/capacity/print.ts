/** `npm run bench:capacity`: the tables of docs/SCALE.md. */
import { MEASURED, RATES } from './measured.ts';
import { costTable, needsTable } from './tables.ts';

process.stdout.write(`${costTable(MEASURED)}\n\n${needsTable(MEASURED, RATES)}\n`);
