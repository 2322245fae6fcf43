const KEY = 'tributary.theme';

/** Light or dark as it was chosen in the console, or as the reader's system has it. */
export function chosenTheme(): 'light' | 'dark' | 'system' {
  const chosen = localStorage.getItem(KEY);
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}
