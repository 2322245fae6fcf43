const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it, whatever is in it; also inside quotes. */
export const escapeHtml = (value: unknown): string =>
  String(value).replaceAll(/[&<>"']/g, sign => ENTITIES[sign] ?? '');

/** HTML that may stand in HTML. */
export type Html = { html: string };

/** A template of HTML: what is put in is text unless it is HTML itself. */
export function html(parts: TemplateStringsArray, ...values: readonly (unknown | Html | readonly Html[])[]): Html {
  const shown = values.map(value => (Array.isArray(value) ? value.map(asHtml).join('') : asHtml(value)));
  return { html: parts.map((part, index) => part + (shown[index] ?? '')).join('') };
}

const asHtml = (value: unknown): string => (isHtml(value) ? value.html : escapeHtml(value));

const isHtml = (value: unknown): value is Html =>
  typeof value === 'object' && value !== null && 'html' in value && typeof value.html === 'string';
