/**
 * The console's pages, in the order of the navigation. A page is one file here and one entry in this table; its address is its place
 * (../../places.ts), `/place`, and `/place/:id` for one thing of it.
 */
import type { ComponentType } from 'preact';
import type { Place } from '../../places.ts';
import type { IconName } from '../parts/icon.tsx';
import { Account } from './account.tsx';
import { Accounts } from './accounts.tsx';
import { Catalogue } from './catalogue.tsx';
import { Event } from './event.tsx';
import { Events } from './events.tsx';
import { OneEventType } from './eventtype.tsx';
import { OneFault } from './fault.tsx';
import { Faults } from './faults.tsx';
import { Integrity } from './integrity.tsx';
import { Overview } from './overview.tsx';
import { Replay } from './replay.tsx';
import { Replays } from './replays.tsx';

export type PageEntry = {
  label: string;
  icon: IconName;
  /** Owners do not see it. */
  operators?: boolean;
  page: ComponentType;
  /** The page of one thing. */
  one?: ComponentType<{ id: string }>;
};

export const PAGES: Partial<Record<Place, PageEntry>> = {
  overview: { label: 'Overview', icon: 'overview', operators: true, page: Overview },
  accounts: { label: 'Accounts', icon: 'accounts', page: Accounts, one: Account },
  events: { label: 'Events', icon: 'events', operators: true, page: Events, one: Event },
  replays: { label: 'Replays', icon: 'replays', operators: true, page: Replays, one: Replay },
  catalogue: { label: 'Catalogue', icon: 'catalogue', operators: true, page: Catalogue, one: OneEventType },
  faults: { label: 'Faults', icon: 'faults', operators: true, page: Faults, one: OneFault },
  integrity: { label: 'Integrity', icon: 'integrity', operators: true, page: Integrity },
};

/** Where the landing page sends people: the first of these that there is for them. */
export const landingOf = (operator: boolean): Place => (operator && PAGES.overview ? 'overview' : 'accounts');

/** Pages of the gateway that are not the console's own. */
export const TOOLS: { href: string; label: string; icon: IconName; operators?: boolean }[] = [
  { href: '/graphiql', label: 'Playground', icon: 'playground' },
  { href: '/queues', label: 'Queues', icon: 'queues', operators: true },
];
