/** Light or dark: as the reader's system says, until they say otherwise. */
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'tributary.theme';
const kept = (): Theme => {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'system';
};

export const theme = signal<Theme>('system');
/** Counts changes of what is seen, for what is drawn rather than styled. */
export const repaints = signal(0);

/** Applies what was chosen before, and every choice from now on. @returns what ends it. */
export function startTheme(): () => void {
  theme.value = kept();
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const repaint = () => {
    repaints.value++;
  };
  system.addEventListener('change', repaint);
  const end = effect(() => {
    const chosen = theme.value;
    if (chosen === 'system') {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(KEY, chosen);
      document.documentElement.dataset.theme = chosen;
    }
    queueMicrotask(repaint);
  });
  return () => {
    end();
    system.removeEventListener('change', repaint);
  };
}
