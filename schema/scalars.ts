import { GraphQLError, GraphQLScalarType, Kind, print, type ValueNode } from 'graphql';

const SHOWN_CHARS_MAX = 100;

// Only what is sure to be short and flat.
const shown = (value: unknown): string =>
  value !== null && typeof value === 'object'
    ? 'an object or list'
    : String(JSON.stringify(value)).slice(0, SHOWN_CHARS_MAX);

const refuse = (expected: string, value: unknown): never => {
  throw new GraphQLError(`expected ${expected}, got ${shown(value)}`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
};

/** A literal is shown as it was written, and where: the gateway asks when it validates a document. */
const refuseLiteral = (expected: string, node: ValueNode): never => {
  const isFlat = node.kind !== Kind.OBJECT && node.kind !== Kind.LIST;
  throw new GraphQLError(
    `expected ${expected}, got ${isFlat ? print(node).slice(0, SHOWN_CHARS_MAX) : 'an object or list'}`,
    { nodes: node, extensions: { code: 'BAD_USER_INPUT' } },
  );
};

const MINOR_UNITS = "a whole number of the currency's minor units within ±(2^53 - 1), as a JSON integer";

const minorUnits = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;

/** Whole minor units of a currency. A string or a float is refused, never rounded. */
export const MinorUnits = new GraphQLScalarType<number, number>({
  name: 'MinorUnits',
  parseValue: value => minorUnits(value) ?? refuse(MINOR_UNITS, value),
  parseLiteral: node =>
    (node.kind === Kind.INT ? minorUnits(Number(node.value)) : undefined) ?? refuseLiteral(MINOR_UNITS, node),
  serialize(value) {
    if (Number.isSafeInteger(value)) return value as number;
    throw new Error(`not a whole number of minor units: ${value}`);
  },
});

const DATE_TIME = 'an RFC 3339 date-time such as 2026-01-31T12:00:00Z';
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** @returns UTC with milliseconds, so that text order is time order; undefined when it is no instant. */
function dateTime(value: unknown): string | undefined {
  if (typeof value !== 'string' || !RFC_3339.test(value)) return undefined;
  const ms = Date.parse(value);
  const day = value.slice(0, 10);
  // Date makes the 30th of February the 2nd of March.
  if (Number.isNaN(ms) || new Date(day).toISOString().slice(0, 10) !== day) return undefined;
  const utc = new Date(ms).toISOString();
  // In UTC the year can have more than four digits, and would not sort as text.
  return /^\d{4}-/.test(utc) ? utc : undefined;
}

/** An instant; text inside the system, always UTC with milliseconds. */
export const DateTime = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  parseValue: value => dateTime(value) ?? refuse(DATE_TIME, value),
  parseLiteral: node =>
    (node.kind === Kind.STRING ? dateTime(node.value) : undefined) ?? refuseLiteral(DATE_TIME, node),
  serialize: value => String(value),
});

/** Any JSON value; output only. */
export const JsonValue = new GraphQLScalarType({
  name: 'JSON',
  parseValue: () => refuse('no input: this scalar is for output only', undefined),
  parseLiteral: () => refuse('no input: this scalar is for output only', undefined),
});
