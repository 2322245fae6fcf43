/**
 * The engine: MongoDB's commands as a function from a command document to a reply document, over a storage folder.
 * It knows nothing of sockets.
 */
import { aggregate } from './aggregate.ts';
import { openCatalog } from './catalog.ts';
import { createCursors } from './cursor.ts';
import * as defining from './defining.ts';
import { CommandError, fail, StorageLost } from './errors.ts';
import { explain } from './explain.ts';
import { checkFields, document } from './options.ts';
import * as reading from './reading.ts';
import { openStorage, type Storage } from './store.ts';
import { type Doc, decode, encode, MAX_DOCUMENT_BYTES } from './values.ts';
import { encodeReply, MAX_MESSAGE_BYTES } from './wire.ts';
import * as writing from './writing.ts';

type Command = (reader: reading.Reader, body: Doc) => Promise<Doc>;

const COMMANDS = new Map<string, Command>(
  Object.entries({
    hello,
    isMaster: hello,
    ismaster: hello,
    ping: async () => ({}),
    buildInfo,
    buildinfo: buildInfo,
    endSessions: async () => ({}),
    insert: writing.insert,
    update: writing.update,
    delete: writing.remove,
    findAndModify: writing.findAndModify,
    findandmodify: writing.findAndModify,
    find: reading.find,
    getMore: reading.getMore,
    killCursors: reading.killCursors,
    count: reading.count,
    distinct: reading.distinct,
    aggregate,
    explain,
    create: defining.create,
    drop: defining.drop,
    dropDatabase: defining.dropDatabase,
    listCollections: defining.listCollections,
    listDatabases: defining.listDatabases,
    createIndexes: defining.createIndexes,
    listIndexes: defining.listIndexes,
    dropIndexes: defining.dropIndexes,
  }),
);

export type Database = {
  /** Runs one command, given as the driver would send it with `$db`. Never throws: errors are replies with `ok: 0`. */
  execute(command: Doc): Promise<Doc>;
  /** The same between bytes' ends: decoded as `values.ts` decodes, answered as BSON. */
  run(command: Doc): Promise<Uint8Array>;
  close(): Promise<void>;
};

/** Opens or creates a database in a folder. Only one process at a time may have it open (see `lock.ts`). */
export async function openDatabase(dir: string): Promise<Database> {
  const storage: Storage = await openStorage(dir);
  const catalog = await openCatalog(storage);
  const reader: reading.Reader = { storage, catalog, cursors: createCursors(() => performance.now()) };
  const purging = catalog.purge().catch(() => {});
  const run = async (command: Doc) => {
    try {
      const reply = encodeReply(await answer(reader, command));
      // Nobody is told of what a crash might still undo.
      await storage.durable();
      return reply.length < MAX_MESSAGE_BYTES ? reply : fail('BSONObjectTooLarge', 'the reply is too large');
    } catch (error) {
      // The process ends; until then nobody is told what is not known, not even who has only come to say hello.
      if (error instanceof StorageLost) return new Promise<never>(() => {});
      return encodeReply(errorReply(error));
    }
  };
  return {
    run,
    execute: async command => decode(await run(decode(encode(command)))),
    async close() {
      await storage.close();
      await purging;
    },
  };
}

async function answer(reader: reading.Reader, body: Doc): Promise<Doc> {
  const [name = ''] = Object.keys(body);
  const command = COMMANDS.get(name) ?? fail('CommandNotFound', `no such command: '${name}'`);
  return { ...(await command(reader, body)), ok: 1 };
}

function errorReply(error: unknown): Doc {
  if (error instanceof CommandError) {
    return { ok: 0, errmsg: error.message, code: error.code, codeName: error.codeName, ...error.extra };
  }
  const errmsg = error instanceof Error ? error.message : String(error);
  return { ok: 0, errmsg, code: 1, codeName: 'InternalError' };
}

/** A standalone server without sessions; wire version 21 is MongoDB 7.0's. */
async function hello(_: reading.Reader, body: Doc): Promise<Doc> {
  const legacy = body.hello === undefined;
  return {
    helloOk: true,
    ...(legacy ? { ismaster: true } : { isWritablePrimary: true }),
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: writing.MAX_BATCH,
    localTime: new Date(),
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
  };
}

async function buildInfo(_: reading.Reader, body: Doc): Promise<Doc> {
  checkFields(Object.keys(document(body, 'command'))[0] ?? '', body, '');
  return {
    version: '7.0.0',
    versionArray: [7, 0, 0, 0],
    bits: 64,
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    modules: ['tributary-embedded'],
  };
}
