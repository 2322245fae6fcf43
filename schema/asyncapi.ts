/**
 * The system's events as an AsyncAPI 3 document: a channel is the queue of a consuming service, a message an event of one
 * type and version.
 * https://www.asyncapi.com/docs/reference/specification/v3.1.0
 */
import { type Contract, versionsOf, writtenVersionOf } from '../events/contract.ts';
import { type JsonSchema, jsonSchemaOf } from './jsonschema.ts';

/** What a service definition says of events. */
export type Party = {
  name: string;
  consumes: readonly Pick<Contract, 'type'>[] | 'everything';
  /** Of what it consumes, what it gets of others alone. */
  ofOthers?: readonly Pick<Contract, 'type'>[];
  emits: readonly Pick<Contract, 'type'>[];
};

type Reference = { $ref: string };

const messageName = ({ type, version }: Pick<Contract, 'type' | 'version'>) => `${type}.${version}`;
const reference = (...path: string[]): Reference => ({
  $ref: `#/${path.map(part => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`,
});

/** The envelope of every event: CloudEvents 1.0. */
const envelope: JsonSchema = {
  title: 'An event',
  description: 'CloudEvents 1.0 in JSON. Attributes that are not named here are kept.',
  type: 'object',
  required: ['specversion', 'id', 'source', 'type', 'time'],
  properties: {
    specversion: { const: '1.0' },
    id: { type: 'string', minLength: 1, maxLength: 400 },
    source: { type: 'string', pattern: '^/[a-z][a-z0-9-]{0,62}$', description: 'The service that emitted it.' },
    type: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}$' },
    subject: { type: 'string', minLength: 1, maxLength: 400, description: 'What it is about: the id of an account.' },
    time: { type: 'string', format: 'date-time' },
    dataschema: { type: 'string', description: 'The version of the contract that `data` keep; version 1 when absent.' },
    datacontenttype: { const: 'application/json' },
    correlationid: { type: 'string', description: 'The first event of the story that this one belongs to.' },
    causationid: { type: 'string', description: 'The event that this one follows from.' },
    traceparent: { type: 'string', maxLength: 100 },
  },
};

/**
 * @param contracts the newest of every type.
 * @param services what each consumes and emits; every service emits `fault`s as well.
 * @returns the document: the same for the same input.
 */
export function asyncApiOf(contracts: readonly Contract[], services: readonly Party[], version: string) {
  const all = contracts.flatMap(versionsOf);
  const consumed = ({ consumes }: Party) =>
    consumes === 'everything' ? all : all.filter(({ type }) => consumes.some(wanted => wanted.type === type));
  const emitted = ({ emits }: Party) =>
    contracts.filter(({ type }) => type === 'fault' || emits.some(made => made.type === type)).map(writtenVersionOf);
  const sent = (source: Party, consumer: Party) => {
    const has = source === consumer ? (consumer.ofOthers ?? []) : [];
    const some = emitted(source).filter(({ type }) => !has.some(own => own.type === type));
    return intersection(some, consumed(consumer));
  };
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Tributary',
      version,
      description:
        'The events that the services send each other. A service has a queue, or several, in Redis (BullMQ); a job of it is a list of one or more of these messages, in their order.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/cloudevents+json',
    servers: { queues: { host: 'localhost:6379', protocol: 'redis', description: 'Wherever REDIS_URL says.' } },
    channels: Object.fromEntries(services.map(service => [service.name, channelOf(service, consumed(service))])),
    operations: Object.fromEntries(
      services.flatMap(service => [
        receiving(service),
        ...services.flatMap(consumer => sending(service, consumer, sent(service, consumer))),
      ]),
    ),
    components: {
      messages: Object.fromEntries(all.map(contract => [messageName(contract), messageOf(contract)])),
      schemas: {
        envelope,
        ...Object.fromEntries(all.map(contract => [messageName(contract), jsonSchemaOf(contract)])),
      },
    },
  };
}

function intersection(some: readonly Contract[], others: readonly Contract[]): Contract[] {
  return some.filter(contract => others.includes(contract));
}

function channelOf({ name }: Party, consumed: readonly Contract[]) {
  return {
    // The braces around a service's name in the key are a hash tag of Redis, and none of AsyncAPI's parameters.
    address: '{queue}',
    description: `The queues of the ${name} service.`,
    parameters: {
      queue: {
        description: 'One a partition; events of one subject share a partition.',
        examples: [`{${name}}-0`],
      },
    },
    messages: Object.fromEntries(
      consumed.map(contract => [messageName(contract), reference('components', 'messages', messageName(contract))]),
    ),
  };
}

const through = (channel: string, messages: readonly Contract[]) => ({
  channel: reference('channels', channel),
  messages: messages.map(contract => reference('channels', channel, 'messages', messageName(contract))),
});

function receiving({ name }: Party) {
  return [
    `${name}-consumes`,
    { action: 'receive', summary: `What the ${name} service consumes.`, channel: reference('channels', name) },
  ] as const;
}

/** The versions that are written today: older ones are in the lake, and are sent again by replays alone. */
function sending(source: Party, consumer: Party, messages: readonly Contract[]) {
  if (messages.length === 0) return [];
  const summary = `What the ${source.name} service emits and the ${consumer.name} service consumes.`;
  return [
    [
      `${source.name}-emits-to-${consumer.name}`,
      { action: 'send', summary, ...through(consumer.name, messages) },
    ] as const,
  ];
}

function messageOf(contract: Contract) {
  const { type, version, description, example } = contract;
  return {
    name: type,
    title: `${type} ${version}`,
    summary: description,
    payload: {
      allOf: [
        reference('components', 'schemas', 'envelope'),
        {
          type: 'object',
          required: ['data'],
          properties: { type: { const: type }, data: reference('components', 'schemas', messageName(contract)) },
        },
      ],
    },
    ...(example !== undefined && { examples: [{ name: messageName(contract), payload: exampleEvent(contract) }] }),
  };
}

function exampleEvent({ type, version, example }: Contract) {
  return {
    specversion: '1.0',
    id: '6f1f3a52-70a5-4b8c-9c0e-5a1d2f6b7c41',
    source: '/account',
    type,
    time: '2026-01-31T12:00:00.000Z',
    dataschema: `urn:tributary:event:${type}:${version}`,
    datacontenttype: 'application/json',
    data: example,
  };
}
