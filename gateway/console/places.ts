/** The first parts of the console's own addresses: the gateway answers its page for them, and it finds its way by them. */
export const PLACES = [
  'signin',
  'accounts',
  'overview',
  'catalogue',
  'events',
  'replays',
  'faults',
  'integrity',
] as const;

export type Place = (typeof PLACES)[number];
