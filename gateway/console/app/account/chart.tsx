import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { LOCALE } from '../locale.ts';
import { decimalsOf, formatMoney } from '../money.ts';
import { repaints } from '../theme.ts';
import { formatTime, nowMs } from '../time.ts';
import { curveInWords, curveOf } from './curve.ts';
import type { AccountView } from './facts.ts';

const HEIGHT = 200;
const DAY_SECONDS = 86_400;

/** The balance over time. Whoever cannot see it has it in words, and every step in the ledger. */
export function BalanceChart({ account }: { account: AccountView }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [pointed, setPointed] = useState<number | null>(null);
  const { currency } = account;
  const curve = curveOf(account, nowMs.value);
  const data: uPlot.AlignedData = [curve.times, curve.balances];
  const painted = repaints.value;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot(optionsOf(element, currency, setPointed), data, element);
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      made.destroy();
    };
  }, [currency, painted]);
  useEffect(() => plot.current?.setData(data), [account.ledger, nowMs.value]);

  const at = pointed === null ? undefined : curve.times[pointed];
  return (
    <figure class="chart">
      <div ref={place} class="chart-plot" role="img" aria-label={curveInWords(curve, currency)} />
      <figcaption aria-hidden="true">
        {at === undefined || pointed === null
          ? 'Balance over time'
          : `${formatMoney(curve.balances[pointed] ?? 0, currency)} on ${formatTime(new Date(at * 1000).toISOString())}`}
      </figcaption>
    </figure>
  );
}

function optionsOf(element: HTMLElement, currency: string, point: (index: number | null) => void): uPlot.Options {
  const style = getComputedStyle(element);
  const [line, fill, axis, grid] = ['--accent', '--accent-tint', '--faint', '--line'].map(name => colour(style, name));
  const axes = { stroke: axis ?? '', font: `12px ${style.fontFamily}`, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [12, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
    scales: { x: { time: true }, y: { range: rangeOf } },
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? null)] },
    series: [
      {},
      {
        stroke: line ?? '',
        fill: fill ?? '',
        width: 2,
        ...(uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
        points: { show: false },
      },
    ],
    axes: [
      {
        ...axes,
        grid: { show: false },
        size: 28,
        space: 90,
        values: (_, ticks, __, ___, step) => ticks.map(tick => timeLabel(tick, step)),
      },
      {
        ...axes,
        grid: { stroke: grid ?? '', width: 1 },
        size: 60,
        space: 44,
        values: (_, ticks) => ticks.map(tick => amountLabel(tick, currency)),
      },
    ],
  };
}

/** A custom property's colour as a canvas takes it: `light-dark()` is resolved by giving it to an element. */
function colour(style: CSSStyleDeclaration, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = style.getPropertyValue(name);
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}

/** Begins at zero, or below where the balance is. */
const rangeOf = (_: uPlot, low: number, high: number): [number, number] => {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  return from === to ? [0, 100] : [from === 0 ? 0 : from - (to - from) * 0.05, to + (to - from) * 0.08];
};

/** A tick of the axis, which is a float between amounts: short, and never mistaken for an amount. */
function amountLabel(tick: number, currency: string): string {
  const major = tick / 10 ** decimalsOf(currency);
  return new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumFractionDigits: 2 }).format(major);
}

function timeLabel(tick: number, stepSeconds: number): string {
  const time = new Date(tick * 1000);
  if (stepSeconds >= DAY_SECONDS) return time.toLocaleDateString(LOCALE, { month: 'short', day: 'numeric' });
  const seconds = stepSeconds < 60 ? { second: '2-digit' as const } : {};
  return time.toLocaleTimeString(LOCALE, { hour: '2-digit', minute: '2-digit', ...seconds, hourCycle: 'h23' });
}
