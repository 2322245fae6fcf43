/** What a new service is to be, and whether it can be: every mistake is named at once, before anything is written. */
import type { Contract } from '../../events/contract.ts';

/** What `npm run new-service` is told. */
export type Wish = {
  /** Of the service and its folder. */
  name: string;
  /** Event types that there are. */
  consumes: readonly string[];
  /** Event types that are to be made. */
  emits: readonly string[];
};

/** What there is already. */
export type Known = {
  services: readonly { name: string; emits: readonly Pick<Contract, 'type'>[] }[];
  /** Names in `subgraphs/`, services or not. */
  folders: readonly string[];
  types: readonly string[];
  /** Names of the API: `Account`, `Query.account`. */
  api: ReadonlySet<string>;
};

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const NAME_MAX_LENGTH = 30;
const TYPE_MAX_LENGTH = 63;
const TYPES_MAX = 20;
/** Other containers, and the database of the bindings. */
const RESERVED = ['gateway', 'mongodb', 'redis', 'registry', 'node-modules'];

/** `points-earned` → `pointsEarned`. */
export const camel = (name: string): string =>
  name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
/** `points-earned` → `PointsEarned`. */
export const pascal = (name: string): string => `${name.charAt(0).toUpperCase()}${camel(name).slice(1)}`;

/** @returns what is wrong with a wish, a sentence each; nothing when it can be fulfilled. */
export function problemsOf({ name, consumes, emits }: Wish, known: Known): string[] {
  return [
    ...nameProblems(name, known),
    ...consumesProblems(consumes, known),
    ...emits.flatMap(type => emitsProblems(type, known)),
    ...repeated([...consumes, ...emits]).map(type => `${type}: named twice.`),
    ...(consumes.length + emits.length > TYPES_MAX ? [`A service begins with ${TYPES_MAX} event types at most.`] : []),
  ];
}

/** @returns what is wrong with the name of a service. */
export function nameProblems(name: string, { folders, api }: Known): string[] {
  if (!NAME.test(name) || name.length > NAME_MAX_LENGTH) {
    return [
      `"${name}" cannot be the name of a service: lower-case letters, digits and single hyphens between them, a letter first, ${NAME_MAX_LENGTH} characters at most, such as loyalty or fraud-watch.`,
    ];
  }
  if (RESERVED.includes(name))
    return [`"${name}" cannot be the name of a service: it names another part of the system.`];
  if (folders.includes(name)) {
    return [`There is a folder subgraphs/${name} already: choose another name, or remove it first.`];
  }
  const taken = [pascal(name), `Query.${camel(name)}`, `Subscription.${camel(name)}Changed`].filter(used =>
    api.has(used),
  );
  return taken.length > 0
    ? [`"${name}" cannot be the name of a service: the API has ${taken.join(' and ')} already.`]
    : [];
}

/** @returns what is wrong with the types that are to be consumed. */
export function consumesProblems(consumes: readonly string[], { types }: Known): string[] {
  const offered = types.filter(type => type !== 'fault');
  if (consumes.length === 0) return [`A service consumes at least one event type: ${offered.join(', ')}.`];
  return consumes
    .filter(type => !offered.includes(type))
    .map(type =>
      type === 'fault'
        ? 'fault: what was set aside goes to the lake alone.'
        : `There is no event type "${type}" to consume; there are: ${offered.join(', ')}.`,
    );
}

/** @returns what is wrong with a type that is to be emitted. */
export function emitsProblems(type: string, { services, types }: Known): string[] {
  if (!NAME.test(type) || type.length > TYPE_MAX_LENGTH || !/(ed|n|t)$/.test(type)) {
    return [
      `"${type}" cannot be an event type: it says what has happened, in the past tense and kebab-case, such as points-earned.`,
    ];
  }
  const emitter = services.find(({ emits }) => emits.some(emitted => emitted.type === type));
  if (emitter)
    return [
      `${type} is emitted by ${emitter.name} already: an event type has one service that emits it. Choose another name, or consume it.`,
    ];
  return types.includes(type)
    ? [`There is an event type ${type} already (schema/events/${type}.ts): choose another name.`]
    : [];
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
