/** The console's own addresses: every page has one, and the browser's back and forward buttons work. */
import { signal } from '@preact/signals';
import { PLACES, type Place } from '../places.ts';

/** Where an address leads: the landing page, a place, or one thing in it. */
export type Route = { place: Place | 'home'; id?: string };

/** @returns undefined when the address is none of the console's. */
export function routeOf(path: string): Route | undefined {
  const [first = '', second, ...rest] = path.replace(/^\/|\/$/g, '').split('/');
  if (first === '') return second === undefined ? { place: 'home' } : undefined;
  const place = PLACES.find(known => known === first);
  if (!place || rest.length > 0) return undefined;
  if (second === undefined) return { place };
  const id = decoded(second);
  return id === undefined ? undefined : { place, id };
}

/** The address of a place, or of one thing in it, with what filters it; empty values are left out. */
export function addressOf(place: Place, id?: string, query: Record<string, string | null | undefined> = {}): string {
  const set = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const search = new URLSearchParams(set).toString();
  return `/${place}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${search && `?${search}`}`;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

const now = () => ({ path: window.location.pathname, query: new URLSearchParams(window.location.search) });

/** Where the reader is; set by `navigate` and by the browser. */
export const location = signal(typeof window === 'undefined' ? { path: '/', query: new URLSearchParams() } : now());

/** Goes to an address of the console. `replace`: the one left is not to be gone back to. */
export function navigate(to: string, { replace = false } = {}): void {
  if (replace) window.history.replaceState(null, '', to);
  else window.history.pushState(null, '', to);
  location.value = now();
}

/** Changes what stands in the query string, as a filter does; null takes a value out. */
export function setQuery(changes: Record<string, string | null>, { replace = false } = {}): void {
  const { path, query } = location.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const search = next.toString();
  navigate(`${path}${search && `?${search}`}`, { replace });
}

/** Follows the browser's buttons and every plain click on a link to the console's own pages. @returns what ends it. */
export function startRouter(): () => void {
  const onPop = () => {
    location.value = now();
  };
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link?.href || link.target || link.hasAttribute('download')) return;
    const to = new URL(link.href);
    if (to.origin !== window.location.origin || to.hash || !routeOf(to.pathname)) return;
    event.preventDefault();
    navigate(to.pathname + to.search);
  };
  window.addEventListener('popstate', onPop);
  document.addEventListener('click', onClick);
  return () => {
    window.removeEventListener('popstate', onPop);
    document.removeEventListener('click', onClick);
  };
}
