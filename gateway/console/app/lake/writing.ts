/** Events and queries as text to take along: pure. */

export type Whole = {
  id: string;
  type: string;
  source: string;
  subject: string | null;
  time: string;
  data: unknown;
  correlationId: string | null;
  causationId: string | null;
  position: number;
  hash: string;
};

/** An event as a CloudEvent, with its place in the lake as two extension attributes more: as the export has it. */
export function asCloudEvent(event: Whole): string {
  const { id, source, type, subject, time, data, correlationId, causationId, position, hash } = event;
  const cloudEvent = {
    ...{ specversion: '1.0', id, source, type },
    ...(subject !== null && { subject }),
    ...{ time, datacontenttype: 'application/json' },
    ...(data !== null && data !== undefined && { data }),
    ...(correlationId !== null && { correlationid: correlationId }),
    ...(causationId !== null && { causationid: causationId }),
    ...{ lakeposition: position, lakehash: hash },
  };
  return JSON.stringify(cloudEvent, null, 2);
}

/** A name that is written without quotes. */
export type EnumValue = { enum: string };

/** An operation of one field, its arguments written out so that it stands for itself; those that are null are left out. */
export function asGraphql(field: string, values: Record<string, unknown>, selection: string): string {
  const given = Object.entries(values).filter(([, value]) => isGiven(value));
  const written = given.map(([name, value]) => `${name}: ${literal(value)}`).join(', ');
  const lines = selection.trim().split(/\n\s*/);
  return `query {\n  ${field}${written && `(${written})`} {\n    ${lines.join('\n    ')}\n  }\n}`;
}

const isGiven = (value: unknown) => value !== null && value !== undefined;
const isEnum = (value: object): value is EnumValue =>
  Object.keys(value).length === 1 && 'enum' in value && typeof value.enum === 'string';

function literal(value: unknown): string {
  // JSON's strings, numbers and truth values are GraphQL's too.
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (isEnum(value)) return value.enum;
  const fields = Object.entries(value).filter(([, field]) => isGiven(field));
  return `{ ${fields.map(([name, field]) => `${name}: ${literal(field)}`).join(', ')} }`;
}

const DIGEST_CHARS_MAX = 120;
const VALUE_CHARS_MAX = 40;

/** Data in a line, for lists: `amountMinor 1250 · currency EUR`. */
export function digestOf(data: unknown): string {
  if (data === null || data === undefined) return '';
  if (typeof data !== 'object' || Array.isArray(data)) return clipped(JSON.stringify(data), DIGEST_CHARS_MAX);
  let digest = '';
  for (const [name, value] of Object.entries(data)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    digest += `${digest && ' · '}${clipped(name, VALUE_CHARS_MAX)} ${clipped(text, VALUE_CHARS_MAX)}`;
    if (digest.length > DIGEST_CHARS_MAX) break;
  }
  return clipped(digest, DIGEST_CHARS_MAX);
}

const clipped = (text: string, max: number) => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

const KINDS = 8;

/** One of a few colours, always the same for a type: 0 to 7. */
export function kindOf(type: string): number {
  let sum = 7;
  for (const char of type) sum = (sum * 25 + (char.codePointAt(0) ?? 0)) % 65_521;
  return sum % KINDS;
}

/** A piece of JSON as it is coloured. */
export type Token = { kind: 'name' | 'text' | 'number' | 'word' | 'plain'; text: string };

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;

/** JSON, indented, in pieces that together are its text. */
export function tokensOf(value: unknown): Token[] {
  const text = JSON.stringify(value, null, 2) ?? 'null';
  const tokens: Token[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [, quoted, colon, number] = match;
    if (match.index > at) tokens.push({ kind: 'plain', text: text.slice(at, match.index) });
    const kind = quoted ? (colon ? 'name' : 'text') : number ? 'number' : 'word';
    tokens.push({ kind, text: quoted ?? match[0] });
    if (colon) tokens.push({ kind: 'plain', text: colon });
    at = match.index + match[0].length;
  }
  if (at < text.length) tokens.push({ kind: 'plain', text: text.slice(at) });
  return tokens;
}
