import { rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from './commands.ts';
import { StorageError } from './errors.ts';
import { openStorage, type Storage } from './store.ts';
import { temporary } from './trial.ts';

let dir: string;
let storage: Storage;

beforeEach(async () => {
  dir = temporary();
  storage = await openStorage(dir);
});
afterEach(async () => {
  await storage.close();
  rmSync(dir, { recursive: true, force: true });
});

const key = (text: string) => Buffer.from(text);
const put = (text: string) => storage.write(() => storage.put(key(text), key(`value of ${text}`)));
const scan = (more = {}) =>
  storage.scan({ from: key('a'), to: key('z'), limit: 100, ...more }).map(entry => String(entry.key));

test('a job sees its own writes, readers see them when it is done', async () => {
  const seen = await storage.write(() => {
    storage.put(key('a'), key('1'));
    return String(storage.get(key('a')));
  });
  expect(seen).toBe('1');
  expect(String(storage.get(key('a')))).toBe('1');
});

test('no command tells what is not on disk yet', async () => {
  const folder = temporary();
  const database = await openDatabase(folder);
  for (let _id = 0; _id < 20; _id++) {
    let isAcknowledged = false;
    const writing = database.execute({ insert: 'c', documents: [{ _id }], $db: 'x' }).then(() => {
      isAcknowledged = true;
    });
    const isTold = async () => Number((await database.execute({ count: 'c', query: { _id }, $db: 'x' })).n) === 1;
    while (!(await isTold())) await nextTurn();
    await nextTurn();
    expect(isAcknowledged).toBe(true);
    await writing;
  }
  await database.close();
  rmSync(folder, { recursive: true });
});

test('what can be read and is not on disk yet can be waited for', async () => {
  const writing = put('a');
  let isOnDisk = false;
  void writing.then(() => {
    isOnDisk = true;
  });
  while (!storage.get(key('a'))) await nextTurn();
  expect(isOnDisk).toBe(false);
  await storage.durable();
  await nextTurn();
  expect(isOnDisk).toBe(true);
  expect(storage.durable()).toBeUndefined();
});

test('scans go from and to a key, either way, the end excluded', async () => {
  await Promise.all(['a', 'b', 'c', 'z'].map(put));
  expect(scan()).toEqual(['a', 'b', 'c']);
  expect(scan({ reverse: true })).toEqual(['c', 'b', 'a']);
  expect(scan({ from: key('b'), limit: 1 })).toEqual(['b']);
  expect(scan({ to: key('c'), reverse: true, limit: 1 })).toEqual(['b']);
  expect(storage.count(key('a'), key('z'))).toBe(3);
});

test('a job that throws keeps its error to itself, and does not undo the others', async () => {
  const throwing = storage.write(() => {
    throw new Error('mine');
  });
  const results = await Promise.allSettled([put('a'), throwing, put('b')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(scan()).toEqual(['a', 'b']);
});

test('when the storage fails, its transaction is undone, the jobs in it are told, and the next one works', async () => {
  let undone = 0;
  storage.onUndo(() => undone++);
  const before = put('a');
  const tooLong = storage.write(() => storage.put(Buffer.alloc(5000, 1), key('x')));
  const results = await Promise.allSettled([before, tooLong, put('b')]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect([scan(), undone]).toEqual([['b'], 1]);
});

test.each([
  'No space left on device: Attempting to write page at position 196608',
  // What lmdb makes of a write that was cut short, as the last one is before a disk is full.
  'Input/output error',
  'MDB_MAP_FULL: Environment mapsize limit reached',
])('a disk that takes no more is said to be full, so that clients wait for it: %s', async message => {
  const write = storage.write(() => {
    throw new StorageError(message);
  });
  await expect(write).rejects.toMatchObject({ codeName: 'OutOfDiskSpace' });
});

test('what was written is there when it is opened again; when closed it takes no more', async () => {
  await put('a');
  await storage.close();
  await expect(put('b')).rejects.toThrow('closed');
  storage = await openStorage(dir);
  expect(scan()).toEqual(['a']);
});
