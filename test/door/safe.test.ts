/** The door, tried from outside: the real system in production mode, one for all that is tried. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { documents } from './documents.ts';
import { type Door, openDoor } from './door.ts';
import { exports } from './exports.ts';
import { http } from './http.ts';
import { inputs } from './inputs.ts';
import { operators } from './operators.ts';
import { owners } from './owners.ts';
import { PERSISTED, persisted } from './persisted.ts';
import { rates } from './rates.ts';
import { secrets } from './secrets.ts';
import { sockets } from './sockets.ts';
import { subgraphs } from './subgraphs.ts';
import { tokens } from './tokens.ts';

let door: Door;
const doorNow = () => door;

beforeAll(async () => {
  door = await openDoor(folder => {
    const file = join(folder, 'documents.json');
    writeFileSync(file, JSON.stringify(PERSISTED));
    return file;
  });
});
afterAll(() => door?.close());

tokens(doorNow);
owners(doorNow);
operators(doorNow);
subgraphs(doorNow);
documents(doorNow);
http(doorNow);
exports(doorNow);
inputs(doorNow);
persisted(doorNow);
sockets(doorNow);
rates(doorNow);
// The last: it looks at what came of all the others.
secrets(doorNow);
