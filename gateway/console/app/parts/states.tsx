/** What a page shows when it has nothing, not yet, or no more. */
import type { ComponentChildren } from 'preact';
import { type Failure, isPassing, textOf } from '../failure.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

/** Nothing there: says what would be, and what to do. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="state">
      {icon && (
        <div class="state-icon">
          <Icon name={icon} />
        </div>
      )}
      <p class="state-title">{title}</p>
      {children && <div class="state-text">{children}</div>}
      {action && <div class="state-action">{action}</div>}
    </div>
  );
}

/** A question without an answer, where nothing else can be shown. */
export function Failed({ failure, reload }: { failure: Failure; reload?: () => void }) {
  return (
    <div class="state failed" role="alert">
      <div class="state-icon">
        <Icon name="faults" />
      </div>
      <p class="state-title">This could not be loaded</p>
      <p class="state-text">{textOf(failure)}</p>
      {reload && (
        <div class="state-action">
          <Button onClick={reload}>Try again</Button>
        </div>
      )}
      {isPassing(failure) && <p class="state-text">It is asked for again every few seconds.</p>}
    </div>
  );
}

/** Beside data that is shown although the newest could not be had, or a form that was refused. */
export function Notice({
  kind = 'warning',
  title,
  quiet = false,
  children,
}: {
  kind?: 'warning' | 'error' | 'info';
  title?: string;
  /** Not said by itself to those who listen: for what changes all the time. */
  quiet?: boolean;
  children: ComponentChildren;
}) {
  return (
    <div class={`notice ${kind}`} role={quiet ? undefined : kind === 'error' ? 'alert' : 'status'}>
      <Icon name={kind === 'info' ? 'check' : 'faults'} />
      <div>
        {title && <strong>{title}</strong>}
        <div>{children}</div>
      </div>
    </div>
  );
}

/** The place of something that is on its way. */
export function Skeleton({ rows = 5, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div class="skeleton" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} class="skeleton-row" />
      ))}
    </div>
  );
}
