/** The heap of another process of Node, without its help: a signal makes any of them open its inspector. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

export type HeapProbe = {
  /** Bytes that are still needed: garbage is collected first. Undefined when the process is not Node's. */
  usedBytes(): Promise<number | undefined>;
  close(): void;
};

type Answer = { id: number; result?: { usedSize?: number } };

/** Where Node's inspector listens unless told otherwise. */
const INSPECTOR = 'http://127.0.0.1:9229/json/list';
const OPENS_WITHIN_MS = 5_000;
/** Garbage that holds other garbage by finalizers goes in the second turn. */
const COLLECTIONS = 2;

/** @throws when another process has the inspector's port, or this one does not open it. */
export async function probeHeap(pid: number): Promise<HeapProbe> {
  if (!isNode(pid)) return { usedBytes: async () => undefined, close: () => undefined };
  if (await inspectorUrl()) throw new Error('another process is being inspected');
  process.kill(pid, 'SIGUSR1');
  const url = await opened();
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let last = 0;

  function ask(method: string): Promise<Answer> {
    const id = ++last;
    return new Promise(resolve => {
      socket.on('message', function hear(data: Buffer) {
        const answer = JSON.parse(String(data)) as Answer;
        if (answer.id !== id) return;
        socket.off('message', hear);
        resolve(answer);
      });
      socket.send(JSON.stringify({ id, method }));
    });
  }

  return {
    async usedBytes() {
      for (let turn = 0; turn < COLLECTIONS; turn++) await ask('HeapProfiler.collectGarbage');
      return (await ask('Runtime.getHeapUsage')).result?.usedSize;
    },
    close: () => socket.terminate(),
  };
}

const isNode = (pid: number): boolean => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'node';

async function inspectorUrl(): Promise<string | undefined> {
  try {
    const response = await fetch(INSPECTOR);
    const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
    return target?.webSocketDebuggerUrl;
  } catch {
    return undefined;
  }
}

async function opened(): Promise<string> {
  for (const endMs = performance.now() + OPENS_WITHIN_MS; performance.now() < endMs; await delay(50)) {
    const url = await inspectorUrl();
    if (url) return url;
  }
  throw new Error('the process does not open its inspector');
}
