const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it, whatever is in it; also inside quotes. */
const escaped = (value: unknown): string => String(value).replaceAll(/[&<>"']/g, sign => ENTITIES[sign] ?? '');

/** What makes HTML HTML; nothing that was read from anywhere can have it. */
const MADE = Symbol('made as HTML');

/** HTML that may stand in HTML. */
export type Html = { readonly [MADE]: string };

/** A template of HTML: what is put in is text, unless it was made by this template too, or is a list of such. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  const shown = values.map(value => (Array.isArray(value) ? value.map(asHtml).join('') : asHtml(value)));
  return { [MADE]: parts.map((part, index) => part + (shown[index] ?? '')).join('') };
}

/** What to send. */
export const textOf = (made: Html): string => made[MADE];

const asHtml = (value: unknown): string => (isHtml(value) ? value[MADE] : escaped(value));

const isHtml = (value: unknown): value is Html => typeof value === 'object' && value !== null && MADE in value;
