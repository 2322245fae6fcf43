import { history, type Sample, trendOf, valuesOf } from './history.ts';

const WIDTH = 100;
const HEIGHT = 24;
const EDGE = 1.5;

/** The last minutes of one measure as a line: decoration beside the number, which says what it is now. */
export function Sparkline({
  of,
  least = 1,
  kind = 'plain',
}: {
  of: (sample: Sample) => number | null | undefined;
  /** What the top stands for at least. */
  least?: number;
  kind?: 'plain' | 'bad';
}) {
  const samples = history.value;
  const lines = trendOf(valuesOf(samples, of), samples.at(-1)?.atMs ?? 0, least).map(points =>
    points.map(({ x, y }) => [round(x * WIDTH), round(HEIGHT - EDGE - y * (HEIGHT - 2 * EDGE))] as const),
  );
  return (
    <svg class={`spark ${kind}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {lines.map(points => {
        const path = points.map(([x, y]) => `${x} ${y}`).join('L');
        const [from, to] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
        return (
          <g key={from}>
            <path class="spark-fill" d={`M${from} ${HEIGHT}L${path}L${to} ${HEIGHT}Z`} />
            {/* A line of one point has a length, so that it is seen. */}
            <path class="spark-line" d={`M${path}${points.length === 1 ? 'h1' : ''}`} />
          </g>
        );
      })}
    </svg>
  );
}

const round = (value: number): number => Math.round(value * 10) / 10;
