import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { linesOf } from './lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const all = (path: string): Promise<string[]> => Readable.from(linesOf(path)).toArray();

async function read(name: string, content: string | Buffer): Promise<string[]> {
  const path = join(folder, name);
  writeFileSync(path, content);
  return all(path);
}

// More than one piece of a file, with characters of several bytes across its borders.
const lines = Array.from({ length: 20_000 }, (_, index) => `${index} ü€😀`);
const text = `${lines.join('\n')}\n`;

describe('the lines of a file', () => {
  test.each<[string, string | Buffer]>([
    ['plain', text],
    ['packed.gz', gzipSync(text)],
    ['in-two-parts.gz', Buffer.concat([gzipSync(text.slice(0, 999)), gzipSync(text.slice(999))])],
  ])('are what they are: %s', async (name, content) => {
    expect(await read(name, content)).toEqual(lines);
  });

  test('of one that is empty are none', async () => {
    expect(await read('empty', '')).toEqual([]);
  });

  test.each<[string, Buffer | string]>([
    ['cut.gz', gzipSync(text).subarray(0, -20)],
    ['not-packed.gz', text],
  ])('are not had of what is no whole gzip file: %s', async (name, content) => {
    await expect(read(name, content)).rejects.toThrow(/no whole gzip file/);
  });

  test('are not had when one has no end', async () => {
    await expect(read('cut-within-a-line', text.slice(0, -3))).rejects.toThrow('the last line has no end');
    await expect(read('cut-between-lines', text.trimEnd())).rejects.toThrow('the last line has no end');
    await expect(read('endless', 'x'.repeat(17_000_000))).rejects.toThrow('a line has no end');
  });

  test('of no file are what the file system says', async () => {
    await expect(all(join(folder, 'missing'))).rejects.toThrow('ENOENT');
    await expect(all(join(folder, 'missing.gz'))).rejects.toThrow('ENOENT');
  });
});
