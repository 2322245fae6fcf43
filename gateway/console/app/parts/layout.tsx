import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { live } from '../live.ts';
import { PAGES, TOOLS } from '../pages/index.ts';
import { addressOf, location, navigate, routeOf } from '../router.ts';
import { type Session, session, signOut } from '../session.ts';
import { type Theme, theme } from '../theme.ts';
import { Icon, type IconName } from './icon.tsx';
import { Notice } from './states.tsx';

/** What is around every page: where one is, who one is, and whether what is shown is live. */
export function Layout({ children }: { children: ComponentChildren }) {
  const who = session.value;
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header class="top">
        <a class="brand" href="/">
          <Mark />
          <span>Tributary</span>
        </a>
        <div class="top-end">
          {who && <Connection />}
          <ThemeSwitch />
          {who && <Person who={who} />}
        </div>
      </header>
      {who && <Navigation operator={who.operator} />}
      <main id="main" tabIndex={-1}>
        {who && <Interruption />}
        {children}
      </main>
    </div>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M7 8c0 7 9 5 9 12v5M25 8c0 7-9 5-9 12M16 7v6" />
    </svg>
  );
}

function Navigation({ operator }: { operator: boolean }) {
  const here = routeOf(location.value.path)?.place;
  const entries = Object.entries(PAGES).filter(([, { operators }]) => operator || !operators);
  const nav = useRef<HTMLElement>(null);
  useLayoutEffect(() => showCurrent(nav.current), [here]);
  return (
    <nav class="side" aria-label="Console" ref={nav}>
      <ul>
        {entries.map(([place, { label, icon }]) => (
          <li key={place}>
            <a href={`/${place}`} aria-current={here === place ? 'page' : undefined}>
              <Icon name={icon} />
              <span>{label}</span>
            </a>
          </li>
        ))}
      </ul>
      <ul class="tools">
        {TOOLS.filter(({ operators }) => operator || !operators).map(({ href, label, icon }) => (
          <li key={href}>
            <a href={href}>
              <Icon name={icon} />
              <span>{label}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** On a phone the links are one row that scrolls sideways: the one of the page that is shown is in the middle of it, if it can be. */
function showCurrent(nav: HTMLElement | null): void {
  const link = nav?.querySelector('[aria-current]');
  if (!nav || !link) return;
  const [row, shown] = [nav.getBoundingClientRect(), link.getBoundingClientRect()];
  nav.scrollLeft += shown.left + shown.width / 2 - (row.left + row.width / 2);
}

const STATES = {
  off: { label: 'Not connected', kind: 'waiting' },
  connecting: { label: 'Connecting', kind: 'waiting' },
  connected: { label: 'Live', kind: 'good' },
  reconnecting: { label: 'Reconnecting', kind: 'bad' },
  refused: { label: 'Not live', kind: 'bad' },
} as const;

function Connection() {
  const { label, kind } = STATES[live.value];
  return (
    <span class={`connection ${kind}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span class="connection-label">{label}</span>
    </span>
  );
}

/** Said once above the page, so that no part of it has to. */
function Interruption() {
  if (live.value === 'reconnecting') {
    return (
      <Notice title="The connection is lost.">
        What is shown may be out of date. It is tried again by itself, and everything is brought up to date then.
      </Notice>
    );
  }
  if (live.value !== 'refused') return null;
  return (
    <Notice title="Nothing here is live.">
      You have more windows open than the gateway allows. Close some, then load this page again.
    </Notice>
  );
}

const THEMES: { name: Theme; label: string; icon: IconName; next: Theme }[] = [
  { name: 'system', label: 'Colours: as the system', icon: 'system', next: 'light' },
  { name: 'light', label: 'Colours: light', icon: 'sun', next: 'dark' },
  { name: 'dark', label: 'Colours: dark', icon: 'moon', next: 'system' },
];

function ThemeSwitch() {
  const shown = THEMES.find(({ name }) => name === theme.value) ?? THEMES[0];
  if (!shown) return null;
  return (
    <button
      class="button quiet square"
      type="button"
      title={`${shown.label}. Press for ${shown.next}.`}
      aria-label={`${shown.label}. Press for ${shown.next}.`}
      onClick={() => {
        theme.value = shown.next;
      }}
    >
      <Icon name={shown.icon} />
    </button>
  );
}

function Person({ who }: { who: Session }) {
  return (
    <div class="person">
      <span class="person-name">
        <strong>{who.owner}</strong>
        <span>{who.operator ? 'operator' : 'account owner'}</span>
      </span>
      <button
        class="button quiet square"
        type="button"
        title="Sign out"
        aria-label={`Sign out ${who.owner}`}
        onClick={() => {
          signOut();
          navigate(addressOf('signin'));
        }}
      >
        <Icon name="leave" />
      </button>
    </div>
  );
}
