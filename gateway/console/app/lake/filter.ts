/** A filter of events: as it stands in an address, as a form holds it, and as the API takes it. */

/** What is not given is empty. */
export type Filter = {
  types: readonly string[];
  subject: string;
  source: string;
  correlation: string;
  /** Event times as RFC 3339; `from` included, `to` not. */
  from: string;
  to: string;
};

/** As the API takes it, and as a replay gives it back. */
export type EventFilter = {
  types?: string[] | null;
  subject?: string | null;
  source?: string | null;
  correlationId?: string | null;
  from?: string | null;
  to?: string | null;
};

export type FilterName = keyof Filter;

export const NO_FILTER: Filter = { types: [], subject: '', source: '', correlation: '', from: '', to: '' };

export const FILTER_LABELS: Record<FilterName, string> = {
  types: 'Type',
  subject: 'Account or subject',
  source: 'Source',
  correlation: 'Correlation id',
  from: 'From',
  to: 'Before',
};

const TEXTS = ['subject', 'source', 'correlation', 'from', 'to'] as const;

/** The filter that stands in a query string. */
export function filterOf(query: URLSearchParams): Filter {
  const text = (name: FilterName) => query.get(name)?.trim() ?? '';
  return {
    types: wordsOf(query.get('types') ?? ''),
    subject: text('subject'),
    source: text('source'),
    correlation: text('correlation'),
    from: text('from'),
    to: text('to'),
  };
}

/** The same for a query string: null takes a value out. */
export function paramsOf({ types, ...texts }: Filter): Record<FilterName, string | null> {
  const params = { types: types.join(' ') || null };
  return Object.assign(params, ...TEXTS.map(name => ({ [name]: texts[name] || null })));
}

/** What is asked of the API: null for every event. */
export function inputOf({ types, subject, source, correlation, from, to }: Filter): EventFilter | null {
  const input = {
    ...(types.length > 0 && { types: [...types] }),
    ...(subject && { subject }),
    ...(source && { source }),
    ...(correlation && { correlationId: correlation }),
    ...(from && { from }),
    ...(to && { to }),
  };
  return Object.keys(input).length > 0 ? input : null;
}

/** The filter that the API was asked for. */
export function filterFrom(input: EventFilter | null): Filter {
  const { types, subject, source, correlationId, from, to } = input ?? {};
  return {
    types: types ?? [],
    subject: subject ?? '',
    source: source ?? '',
    correlation: correlationId ?? '',
    from: from ?? '',
    to: to ?? '',
  };
}

/** One condition of a filter, and the filter without it. */
export type Condition = { name: FilterName; value: string; without: Filter };

/** Everything that a filter asks for, one by one. */
export function conditionsOf(filter: Filter): Condition[] {
  const ofTypes = filter.types.map(type => ({
    name: 'types' as const,
    value: type,
    without: { ...filter, types: filter.types.filter(other => other !== type) },
  }));
  const ofTexts = TEXTS.filter(name => filter[name] !== '').map(name => ({
    name,
    value: filter[name],
    without: { ...filter, [name]: '' },
  }));
  return [...ofTypes, ...ofTexts];
}

/** Words between blanks or commas, once each. */
export const wordsOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))];

/** The filter with a type chosen, or not any more. */
export function toggleType(filter: Filter, type: string): Filter {
  const types = filter.types.includes(type) ? filter.types.filter(other => other !== type) : [...filter.types, type];
  return { ...filter, types };
}

/** A time as `<input type="datetime-local">` has it, in the reader's zone: empty for what is no time. */
export function localOf(time: string): string {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return '';
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The time that such a control has: empty for what is none. */
export function timeFrom(local: string): string {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString();
}
