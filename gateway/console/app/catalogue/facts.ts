/** What the catalogue is made from: the event types, as the API lists them. */
import { type DataOf, gql } from '../client.ts';
import type { Flow } from '../overview/facts.ts';

export type EventVersion = {
  version: number;
  description: string;
  /** The others are read. */
  written: boolean;
  schema: unknown;
  example: unknown;
};
export type EventType = { type: string; emittedBy: string[]; consumedBy: string[]; versions: EventVersion[] };

export const CATALOGUE = gql<{ eventTypes: EventType[] }>(/* GraphQL */ `
  query Catalogue {
    eventTypes { type emittedBy consumedBy versions { version description written schema example } }
  }
`);

/** How much flows: less than the overview watches. */
export const RATES = gql<{ systemChanged: { flows: Flow[] } }>(/* GraphQL */ `
  subscription Rates { systemChanged { flows { source type eventsPerSecond eventsLastMinute } } }
`);

export type Flows = DataOf<typeof RATES>['systemChanged']['flows'];

/** What flows of a type, whoever it comes from; undefined until it is known. */
export function rateOf(flows: Flows | undefined, type: string): { perSecond: number; lastMinute: number } | undefined {
  const some = flows?.filter(flow => flow.type === type);
  return (
    some && {
      perSecond: some.reduce((all, { eventsPerSecond }) => all + eventsPerSecond, 0),
      lastMinute: some.reduce((all, { eventsLastMinute }) => all + eventsLastMinute, 0),
    }
  );
}

/** A field of an event's data, in words. */
export type FieldRow = { name: string; kind: string; required: boolean; description: string };

type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const whole = new Intl.NumberFormat();

/** The fields that a JSON Schema describes; those inside others by their way: `parts[].weight`. */
export function fieldsOf(schema: unknown, within = ''): FieldRow[] {
  if (!isSchema(schema)) return [];
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(isSchema(schema.properties) ? schema.properties : {}).flatMap(([field, value]): FieldRow[] => {
    if (!isSchema(value)) return [];
    const name = `${within}${field}`;
    const description = typeof value.description === 'string' ? value.description : '';
    const row = { name, kind: kindOf(value), required: required.includes(field), description };
    return [row, ...fieldsOf(value, `${name}.`), ...fieldsOf(value.items, `${name}[].`)];
  });
}

const KINDS: Record<string, string> = {
  ...{
    string: 'text',
    integer: 'whole number',
    number: 'number',
    boolean: 'yes or no',
    object: 'object',
    null: 'null',
  },
  array: 'list',
};

/** What values of a schema are: `text, 1 to 200 characters`. */
export function kindOf(schema: Schema): string {
  if (Array.isArray(schema.enum)) return `one of ${schema.enum.map(value => JSON.stringify(value)).join(', ')}`;
  if ('const' in schema) return JSON.stringify(schema.const);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(alternatives)) return alternatives.filter(isSchema).map(kindOf).join(' or ');
  if (schema.format === 'date-time') return 'date and time';
  const types = [schema.type].flat().filter((type): type is string => typeof type === 'string');
  const name = types.map(type => KINDS[type] ?? type).join(' or ') || 'anything';
  return [name, boundsOf(schema)].filter(Boolean).join(', ');
}

/** The bounds of every whole number that can be counted exactly say nothing. */
const isSaid = (bound: unknown): bound is number =>
  typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER;

function boundsOf(schema: Schema): string {
  const said: string[] = [];
  if (isSaid(schema.exclusiveMinimum)) said.push(`more than ${whole.format(schema.exclusiveMinimum)}`);
  if (isSaid(schema.minimum)) said.push(`${whole.format(schema.minimum)} or more`);
  if (isSaid(schema.exclusiveMaximum)) said.push(`less than ${whole.format(schema.exclusiveMaximum)}`);
  if (isSaid(schema.maximum)) said.push(`${whole.format(schema.maximum)} or less`);
  if (typeof schema.pattern === 'string') said.push(schema.pattern.replace(/^\^|\$$/g, ''));
  const { minLength, maxLength } = schema;
  if (isSaid(minLength) && isSaid(maxLength))
    said.push(`${whole.format(minLength)} to ${whole.format(maxLength)} characters`);
  else if (isSaid(maxLength)) said.push(`up to ${whole.format(maxLength)} characters`);
  else if (isSaid(minLength))
    said.push(minLength === 1 ? 'not empty' : `${whole.format(minLength)} characters or more`);
  return said.join(', ');
}
