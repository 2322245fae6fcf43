/** Short messages about what has just happened: seen for some seconds, and said to who listens. */
import { signal } from '@preact/signals';
import { Icon } from './icon.tsx';

type Toast = { id: number; text: string };

const SHOWN_MS = 6_000;
const SHOWN_MAX = 3;

const toasts = signal<Toast[]>([]);
/** Said, not shown. */
const said = signal('');
let last = 0;

/** Shows and says it. */
export function toast(text: string): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(1 - SHOWN_MAX), { id, text }];
  setTimeout(() => dismiss(id), SHOWN_MS);
}

/** Says it to those who listen; whoever looks sees it anyway. */
export function announce(text: string): void {
  said.value = text;
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter(shown => shown.id !== id);
}

export function Toasts() {
  return (
    <>
      <div class="toasts" role="status" aria-live="polite">
        {toasts.value.map(({ id, text }) => (
          <div class="toast" key={id}>
            <Icon name="check" />
            <span>{text}</span>
            <button class="button quiet square" type="button" aria-label="Dismiss" onClick={() => dismiss(id)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
      <div class="unseen" role="status" aria-live="polite">
        {said.value}
      </div>
    </>
  );
}
