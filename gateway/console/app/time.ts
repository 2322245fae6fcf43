/** Times to read. */
import { signal } from '@preact/signals';
import { LOCALE } from './locale.ts';

const dateTime = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
const dayAndTime = new Intl.DateTimeFormat(LOCALE, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' });

const SECOND_MS = 1_000;
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** A time in full, in the reader's zone. */
export const formatTime = (time: string): string => dateTime.format(new Date(time));

/** A time without its year, for lists of what is recent. */
export const formatShortTime = (time: string): string => dayAndTime.format(new Date(time));

export const formatDay = (time: string): string => day.format(new Date(time));

/** `3 minutes ago`. */
export function formatRelative(time: string, nowMs: number): string {
  const ms = Date.parse(time) - nowMs;
  for (const [unit, unitMs] of UNITS) {
    if (Math.abs(ms) >= unitMs) return relative.format(Math.trunc(ms / unitMs), unit);
  }
  return Math.abs(ms) < 5 * SECOND_MS ? 'just now' : relative.format(Math.trunc(ms / SECOND_MS), 'second');
}

/** A length of time: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor((whole % 86_400) / 3_600),
    Math.floor((whole % 3_600) / 60),
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** Whole numbers with their thousands apart. */
export const formatCount = (count: number): string => new Intl.NumberFormat(LOCALE).format(count);

const TICK_MS = 5_000;

/** The time now, for what is shown relative to it; moves every few seconds. */
export const nowMs = signal(Date.now());

/** Lets the time move. @returns what ends it. */
export function startClock(): () => void {
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') nowMs.value = Date.now();
  }, TICK_MS);
  return () => clearInterval(timer);
}
