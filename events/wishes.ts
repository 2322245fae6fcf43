/** What a service wishes to be sent and says of itself, as its binding keeps it for all others; and whether it keeps its word: pure. */
import { type Binding, EVERY_TYPE } from './binding.ts';
import type { Contract } from './contract.ts';
import type { ServiceDefinition } from './definition.ts';
import { PARTITIONS_DEFAULT, PARTITIONS_MAX } from './partition.ts';
import type { Rule } from './rule.ts';

/** What of a binding is decided by the service's definition. */
export function wishesOf(definition: Omit<ServiceDefinition, 'create' | 'indexes'>) {
  const { name, consumes, emits, unhurried = [], ofOthers = [], replayedFirst = [], derived = {} } = definition;
  return {
    _id: name,
    consumes: namesOf(consumes),
    unhurried: namesOf(unhurried),
    ofOthers: typesOf(ofOthers),
    emits: typesOf(emits),
    partitions: definition.partitions ?? PARTITIONS_DEFAULT,
    replayedFirst: typesOf(replayedFirst),
    replayedTogether: definition.replayedTogether ?? false,
    rebuildable: Object.keys(derived).length > 0,
    rebuiltWhole: Object.values(derived).some(({ ofSeveral }) => ofSeveral === true),
  } satisfies Binding;
}

/** @throws Error when its rules are for something else than it consumes, or its partitions are no number of them. */
export function checkDefinition(
  { name, consumes, replayedFirst = [], partitions = PARTITIONS_DEFAULT }: Omit<ServiceDefinition, 'create'>,
  rules: readonly Rule[],
): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new Error(`service ${name}: partitions is a whole number from 1 to ${PARTITIONS_MAX}, not ${partitions}`);
  }
  if (consumes === 'everything') return;
  const declared = new Set(typesOf(consumes));
  const handled = new Set(rules.flatMap(({ on }) => (on === 'everything' ? [] : typesOf(on))));
  const forgotten = [...declared].filter(type => !handled.has(type));
  const undeclared = [...handled].filter(type => !declared.has(type) && !typesOf(replayedFirst).includes(type));
  if (forgotten.length + undeclared.length === 0) return;
  throw new Error(
    `service ${name}: consumed without a rule: ${forgotten.join(', ') || 'none'}; handled but not consumed: ${undeclared.join(', ') || 'none'}`,
  );
}

const typesOf = (contracts: readonly Pick<Contract, 'type'>[]) => contracts.map(({ type }) => type);

const namesOf = (consumed: readonly Contract[] | 'everything') =>
  consumed === 'everything' ? [EVERY_TYPE] : typesOf(consumed);
