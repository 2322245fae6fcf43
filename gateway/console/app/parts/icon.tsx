/** The console's own few icons: drawn with lines on 16 × 16, decoration beside words. */
const PATHS = {
  accounts:
    'M2 4.5A1.5 1.5 0 0 1 3.5 3h9A1.5 1.5 0 0 1 14 4.5v7a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 2 11.5zM2 6.5h12M10.5 10h1',
  overview: 'M2.5 13.5v-5M6 13.5v-9M9.5 13.5v-6M13 13.5v-11',
  events: 'M5.5 4H14M5.5 8H14M5.5 12H14M2.2 4h.1M2.2 8h.1M2.2 12h.1',
  catalogue: 'M3 12.6V3.4A1.4 1.4 0 0 1 4.4 2H13v9.2H4.4a1.4 1.4 0 0 0 0 2.8H13v-2.8M6 5h4.2',
  replays: 'M2.5 8a5.5 5.5 0 1 0 1.8-4.1M2.5 2.5v3h3',
  faults: 'M8 2.2 14.2 13H1.8zM8 6.5v3M8 11.3v.1',
  integrity: 'M8 1.8 13.2 4v4c0 3.2-2.2 5.3-5.2 6.2C5 13.3 2.8 11.2 2.8 8V4zM5.7 8l1.6 1.6 3-3.2',
  playground: 'm5 4.5-3 3.5 3 3.5M11 4.5l3 3.5-3 3.5M9 3 7 13',
  queues: 'M2 4.5h12M2 8h12M2 11.5h7',
  plus: 'M8 3v10M3 8h10',
  back: 'M9.5 3.5 5 8l4.5 4.5',
  next: 'm6.5 3.5 4.5 4.5-4.5 4.5',
  close: 'm4 4 8 8M12 4l-8 8',
  check: 'm3.5 8.5 3 3 6-7',
  in: 'M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10',
  out: 'M8 11V3M4.5 6 8 2.5 11.5 6M3 13.5h10',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1',
  system: 'M2 3.5h12v7.5H2zM6 13.5h4M8 11v2.5',
  leave: 'M6.5 2.5h-3v11h3M10 5l3 3-3 3M13 8H6',
  up: 'M8 13V3M4 7l4-4 4 4',
  play: 'M5 3.2 12.5 8 5 12.8z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  copy: 'M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
