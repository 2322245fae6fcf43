import { formatDay, formatRelative, formatShortTime, formatTime, nowMs } from '../time.ts';

/** A time: in full to whoever points at it. */
export function Time({ at, as = 'short' }: { at: string; as?: 'short' | 'full' | 'relative' | 'day' }) {
  const full = formatTime(at);
  const text =
    as === 'relative'
      ? formatRelative(at, nowMs.value)
      : as === 'day'
        ? formatDay(at)
        : as === 'full'
          ? full
          : formatShortTime(at);
  return (
    <time dateTime={at} title={full}>
      {text}
    </time>
  );
}
