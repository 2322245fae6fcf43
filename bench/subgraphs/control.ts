/** The switch of a bank that runs in another process: `POST /control` with orders, `GET /control` for its state. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Bank, BankState, Orders } from './bank.ts';

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Takes orders for a bank and answers with its state. */
export function controlRoute(bank: Bank): Route {
  return async (request, response) => {
    if (request.method === 'POST') bank.order((await bodyOf(request)) as Orders);
    answer(response, bank.state());
  };
}

/** A server for nothing else, beside a gateway that has its subgraphs in its own process. */
export function serveControl(bank: Bank, port: number): Server {
  const control = controlRoute(bank);
  return createServer((request, response) => void control(request, response)).listen(port, '127.0.0.1');
}

/** Gives orders to the bank behind this address. @returns its state. */
export async function control(url: string, orders?: Orders): Promise<BankState> {
  const response = await fetch(url, orders && { method: 'POST', body: JSON.stringify(orders) });
  return (await response.json()) as BankState;
}

export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(chunks.length === 1 ? String(chunks[0]) : String(Buffer.concat(chunks)));
}

export function answer(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
