import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ConfigError } from './config.ts';

/** As long as a document of MongoDB can be, and longer than any event. */
const LINE_CHARS_MAX = 16_000_000;

/**
 * The lines of a text file in UTF-8, without their line feeds, a piece of the file at a time.
 *
 * @param path unpacked on the way when it ends in `.gz`.
 * @throws ConfigError when it is no whole gzip file, has a line of more than 16 million characters, or does not end with a
 *   line feed; what the file system says when it cannot be read.
 */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  // The last stream of a pipeline fails with whichever of them fails.
  const text = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => undefined) : file;
  let rest = '';
  try {
    for await (const chunk of text.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
      if (rest.length > LINE_CHARS_MAX) throw new ConfigError(`${path}: a line has no end.`);
    }
  } catch (error) {
    if (isZipFault(error)) throw new ConfigError(`${path}: no whole gzip file: ${error.message}.`);
    throw error;
  }
  if (rest) throw new ConfigError(`${path}: the last line has no end: the file is not whole.`);
}

const isZipFault = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
