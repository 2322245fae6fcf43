/** How numbers and times are written: the console speaks English, so in the reader's kind of it. */
export const LOCALE: string =
  typeof document === 'undefined' ? 'en-US' : (navigator.languages.find(name => /^en\b/.test(name)) ?? 'en');
