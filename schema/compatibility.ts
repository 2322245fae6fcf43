/**
 * What may not change between releases, and what has. Events of a released version are stored for ever, and while a release is
 * rolled out services before and after it read each other's: so of a version only optional fields may be added, which whoever
 * does not know them leaves aside. Clients rely on every field of the API.
 */
import {
  buildSchema,
  findBreakingChanges,
  type GraphQLArgument,
  type GraphQLInputField,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import type { JsonSchema } from './jsonschema.ts';

/** The contracts of a release: by type and version (`deposited.1`), the JSON Schema of the data. */
export type ReleasedEvents = Readonly<Record<string, JsonSchema>>;

/** A breaking change in words: what, and how it is. */
export type Change = string;

/** @returns what would break: each change names the type, the version and the field. */
export function eventChanges(released: ReleasedEvents, today: ReleasedEvents): Change[] {
  return Object.entries(released).flatMap(([name, before]) => {
    const after = today[name];
    if (!after) return [`${name}: is gone; what is stored of it must stay readable`];
    return schemaChanges('data', before, after).map(change => `${name}: ${change}`);
  });
}

/** What says nothing of the data. */
const ANNOTATIONS = ['$id', '$schema', 'title', 'description', 'examples', 'deprecated'];
/** What is compared part by part. */
const PARTS = ['properties', 'required', 'items', 'enum', 'additionalProperties'];
/** Whether a higher number lets less through, or more. */
const BOUNDS: Readonly<Record<string, 'narrower' | 'wider'>> = {
  ...{ minimum: 'narrower', exclusiveMinimum: 'narrower', minLength: 'narrower', minItems: 'narrower' },
  ...{ maximum: 'wider', exclusiveMaximum: 'wider', maxLength: 'wider', maxItems: 'wider' },
};

function schemaChanges(at: string, before: JsonSchema, after: JsonSchema): Change[] {
  return [
    ...keywordChanges(at, before, after),
    ...valueChanges(at, before.enum, after.enum),
    ...fieldChanges(at, before, after),
    ...itemChanges(`${at}[]`, before.items, after.items),
    ...itemChanges(`${at}.*`, schemaOf(before.additionalProperties), schemaOf(after.additionalProperties)),
  ];
}

function keywordChanges(at: string, before: JsonSchema, after: JsonSchema): Change[] {
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keywords]
    .filter(keyword => !ANNOTATIONS.includes(keyword) && !PARTS.includes(keyword))
    .filter(keyword => text(before[keyword]) !== text(after[keyword]))
    .map(keyword => {
      const change = `${keyword} is ${text(after[keyword])}, was ${text(before[keyword])}`;
      return `${at}: ${change}${effectOf(keyword, before[keyword], after[keyword])}`;
    });
}

function effectOf(keyword: string, before: unknown, after: unknown): string {
  const higher = BOUNDS[keyword];
  if (!higher) return '';
  // A bound that is not there lets everything through.
  const isHigher = Number(after) > Number(before);
  const effect =
    before === undefined ? 'narrower' : after === undefined || isHigher === (higher === 'wider') ? 'wider' : 'narrower';
  return effect === 'narrower'
    ? ': narrower than what is stored'
    : ': wider than what services of the last release read';
}

function valueChanges(
  at: string,
  before: readonly unknown[] | undefined,
  after: readonly unknown[] | undefined,
): Change[] {
  if (!before && !after) return [];
  if (!before) return [`${at}: only ${text(after)} now, anything before`];
  if (!after) return [`${at}: anything now, only ${text(before)} before`];
  const [known, now] = [before.map(text), after.map(text)];
  return [
    ...known.filter(value => !now.includes(value)).map(value => `${at}: the value ${value} is removed`),
    ...now
      .filter(value => !known.includes(value))
      .map(value => `${at}: the value ${value} is new, and services of the last release refuse it`),
  ];
}

function fieldChanges(at: string, before: JsonSchema, after: JsonSchema): Change[] {
  const [known, now] = [before.properties ?? {}, after.properties ?? {}];
  const isRequired = (schema: JsonSchema, field: string) => schema.required?.includes(field) ?? false;
  const old = Object.entries(known).flatMap(([field, schema]): Change[] => {
    const place = `${at}.${field}`;
    const next = now[field];
    if (!next) return [`${place}: is removed`];
    const [was, is] = [isRequired(before, field), isRequired(after, field)];
    return [
      ...(is && !was ? [`${place}: is required now, and was optional`] : []),
      ...(was && !is ? [`${place}: is optional now, and was required`] : []),
      ...schemaChanges(place, schema, next),
    ];
  });
  const added = Object.keys(now).filter(field => !(field in known) && isRequired(after, field));
  return [...old, ...added.map(field => `${at}.${field}: is new and required; stored events do not have it`)];
}

function itemChanges(at: string, before: JsonSchema | undefined, after: JsonSchema | undefined): Change[] {
  if (!before && !after) return [];
  return schemaChanges(at, before ?? {}, after ?? {});
}

const schemaOf = (value: unknown): JsonSchema | undefined =>
  typeof value === 'object' && value !== null ? (value as JsonSchema) : value === false ? { not: {} } : undefined;

const text = (value: unknown): string => (value === undefined ? 'not there' : JSON.stringify(value));

/** @param before, after the API as SDL. @returns what would break: each names the type and the field. */
export function apiChanges(before: string, after: string): Change[] {
  const [known, now] = [buildSchema(before), buildSchema(after)];
  const [had, has] = [defaultsOf(before), defaultsOf(after)];
  // A default that changes is only "dangerous" to graphql-js, and changes what a client gets who says nothing.
  const defaults = Object.entries(had)
    .filter(([name, value]) => name in has && has[name] !== value)
    .map(([name, value]) => `The default of ${name} is ${has[name]}, was ${value}.`);
  return [...findBreakingChanges(known, now).map(({ description }) => description), ...defaults];
}

/** By "Type.field(argument)" and "Input.field". */
function defaultsOf(sdl: string): Record<string, string> {
  const named = ({ name, defaultValue }: GraphQLArgument | GraphQLInputField, place: (name: string) => string) =>
    [place(name), text(defaultValue)] as const;
  return Object.fromEntries(
    Object.values(buildSchema(sdl).getTypeMap()).flatMap(type => {
      if (isInputObjectType(type))
        return Object.values(type.getFields()).map(field => named(field, name => `${type}.${name}`));
      if (!isObjectType(type) && !isInterfaceType(type)) return [];
      return Object.values(type.getFields()).flatMap(field =>
        field.args.map(argument => named(argument, name => `${type}.${field.name}(${name})`)),
      );
    }),
  );
}

/** Whether a version of the project may break what clients of another rely on: by semantic versioning. */
export function mayBreakClients(released: string, today: string): boolean {
  const [major = 0, minor = 0] = released.split('.').map(Number);
  const [nextMajor = 0, nextMinor = 0] = today.split('.').map(Number);
  return nextMajor > major || (major === 0 && nextMajor === 0 && nextMinor > minor);
}
