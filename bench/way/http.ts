/** HTTP/1.1 by hand over kept-alive connections, each with one request on its way: a client that costs little. */
import { connect, type Socket } from 'node:net';

export type Exchange = {
  /** @throws when the connection is closed, also if it was before. */
  ask(request: string): Promise<string>;
  close(): void;
};

/** The text of a request but for the length of its body. */
export function headOf(url: string, token: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: `;
}

export const requestOf = (head: string, body: string): string => `${head}${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** @throws when it cannot be reached. */
export async function open(host: string, port: number): Promise<Exchange> {
  const socket = await connected(host, port);
  let received = '';
  let waiting: { resolve(answer: string): void; reject(error: Error): void } | undefined;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
    if (!isWhole(received)) return;
    const answer = received;
    received = '';
    waiting?.resolve(answer);
  });
  socket.on('error', error => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error(`port ${port} closed the connection`)));
  return {
    ask: request =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        if (socket.writable) socket.write(request, 'latin1');
        else reject(new Error(`port ${port} has closed the connection`));
      }),
    close: () => void socket.destroy(),
  };
}

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** In latin1 a character is a byte. */
function isWhole(received: string): boolean {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = LENGTH.exec(received.slice(0, headEnd))?.[1];
  // Without a length it comes in chunks, of which the last is empty.
  return length === undefined ? received.endsWith('\r\n0\r\n\r\n') : received.length >= headEnd + 4 + Number(length);
}

export const isSuccess = (answer: string): boolean => answer.startsWith('HTTP/1.1 200') && !answer.includes('"errors"');
