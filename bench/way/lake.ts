/** How far the lake is, seen from outside. */
import { headOf, open, requestOf } from './http.ts';

/** @param token an operator's. @returns how to ask for the number of events in the lake. */
export async function lakeOf(url: string, token: string): Promise<() => Promise<number>> {
  const { hostname, port } = new URL(url);
  const exchange = await open(hostname, Number(port));
  const query = JSON.stringify({ query: '{ events(first: 1, order: NEWEST_FIRST) { nodes { position } } }' });
  const request = requestOf(headOf(`${url}/graphql`, token), query);
  return async () => Number(/"position":(\d+)/.exec(await exchange.ask(request))?.[1] ?? 0);
}
