import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** A part of a page under a heading of its own; `flush` where a table reaches its edges. */
export function Card({
  title,
  action,
  note,
  flush,
  children,
}: {
  title: string;
  action?: ComponentChildren;
  note?: ComponentChildren;
  flush?: boolean;
  children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class={`card ${flush ? 'flush' : ''}`} aria-labelledby={id}>
      <header class="card-head">
        <div>
          <h2 id={id}>{title}</h2>
          {note && <p class="card-note">{note}</p>}
        </div>
        {action}
      </header>
      <div class="card-body">{children}</div>
    </section>
  );
}

/** What stands at the top of every page: its name, what it is about, and what can be done. */
export function PageHead({
  title,
  note,
  action,
  back,
}: {
  title: string;
  note?: ComponentChildren;
  action?: ComponentChildren;
  back?: { to: string; label: string };
}) {
  return (
    <header class="page-head">
      <div>
        {back && (
          <a class="page-back" href={back.to}>
            {back.label}
          </a>
        )}
        <h1 tabIndex={-1}>{title}</h1>
        {note && <p class="page-note">{note}</p>}
      </div>
      {action && <div class="page-action">{action}</div>}
    </header>
  );
}
