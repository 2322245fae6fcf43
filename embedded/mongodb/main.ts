/**
 * The embedded MongoDB server as a process of its own: `node scripts/run.mjs embedded/mongodb/main.ts --dir DIR
 * --port PORT` (port 0: any free one). Says on which port it listens by one line of JSON on stdout and, to a parent that has
 * opened a channel, by a message; ends when that channel closes, so that it never outlives a parent that was killed.
 */
import { parseArgs } from 'node:util';
import { serve } from './server.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { dir: { type: 'string' }, port: { type: 'string', default: '0' } } });
  const port = Number(values.port);
  if (!values.dir || !Number.isInteger(port)) throw new Error('usage: main.ts --dir DIR [--port PORT]');
  const server = await serve({ dir: values.dir, port });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    server.close().then(() => process.exit(0), giveUp);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('disconnect', stop);
  process.send?.({ listening: server.port });
  console.log(JSON.stringify({ listening: server.port }));
}

function giveUp(error: unknown): void {
  console.error(`embedded mongodb: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

main().catch(giveUp);
