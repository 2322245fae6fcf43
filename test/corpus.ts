/** The corpus: events of every type and version as they are stored somewhere, which every release must be able to read. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Event } from '../events/event.ts';

const folder = new URL('./corpus/', import.meta.url);

/** By type and version (`deposited.1`), events as the lake has them. */
export function readCorpus(): Map<string, Event[]> {
  const names = readdirSync(folder).filter(name => name.endsWith('.json'));
  return new Map(
    names.map(name => [
      name.slice(0, -'.json'.length),
      JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Event[],
    ]),
  );
}
