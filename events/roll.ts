/**
 * What is where a service's queues are, seen at one moment: marks, which of its processes are there, which queues have
 * something in them, and which are paused. Each is one script; a process that looks may say with the same that it is there itself.
 */
import type { Redis } from 'ioredis';
import { PARTITIONS_MAX } from './partition.ts';
import type { Look, Roll } from './transport.ts';

/** In a Redis cluster, all keys of one service live in one slot: the hash tag is the service's name. */
export function queueName(service: string, partition: number): string {
  return `{${service}}-${partition}`;
}

/** Beside the queues. */
export function keysOf(prefix: string, service: string): { marks: string; members: string } {
  return { marks: `${prefix}:{${service}}:marks`, members: `${prefix}:{${service}}:members` };
}

/** A process of a service that has not said for so long that it is there is not. */
const MEMBER_MS = 3_000;

/** Members by name: when each came, and when it was last there, by Redis' own clock. */
const LOOK = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local member, members, joined = ARGV[1], {}, now
  local all = redis.call('HGETALL', KEYS[2])
  for at = 1, #all, 2 do
    local came, seen = string.match(all[at + 1], '^(%d+) (%d+)$')
    if tonumber(seen) + ${MEMBER_MS} < now then
      if member ~= '' then redis.call('HDEL', KEYS[2], all[at]) end
    elseif all[at] == member then
      joined = came
    else
      table.insert(members, came .. ' ' .. all[at])
    end
  end
  if member ~= '' then
    redis.call('HSET', KEYS[2], member, string.format('%.0f %.0f', joined, now))
    table.insert(members, string.format('%.0f', joined) .. ' ' .. member)
  end
  local marks = redis.call('HGETALL', KEYS[1])`;

/** Of each queue, whether anything is in it. Where there is one process nothing is in any but the first, which one command says. */
const HOLDING = `
  local states = {'wait', 'active', 'delayed', 'prioritized', 'paused', 'failed'}
  local function isHeld(first, last)
    local keys = {}
    for partition = first, last do
      for _, state in ipairs(states) do table.insert(keys, ARGV[2] .. partition .. ':' .. state) end
    end
    return redis.call('EXISTS', unpack(keys)) > 0
  end
  local holding = {}
  if isHeld(0, 0) then table.insert(holding, 0) end
  if isHeld(1, ${PARTITIONS_MAX - 1}) then
    for partition = 1, ${PARTITIONS_MAX - 1} do
      if isHeld(partition, partition) then table.insert(holding, partition) end
    end
  end`;

/** Those that an operator has paused, as BullMQ notes it. */
const PAUSED = `
  local paused = {}
  for partition = 0, ${PARTITIONS_MAX - 1} do
    if redis.call('HEXISTS', ARGV[2] .. partition .. ':meta', 'paused') == 1 then table.insert(paused, partition) end
  end`;

const LOOK_ALONE = `${LOOK}
  return {marks, members}`;
const ROLL = `${LOOK}
  ${HOLDING}
  ${PAUSED}
  return {marks, members, holding, paused}`;

/** @throws when Redis cannot be reached. */
export async function lookAt(redis: Redis, prefix: string, service: string): Promise<Look> {
  const { marks, members } = keysOf(prefix, service);
  return lookOf((await redis.eval(LOOK_ALONE, 2, marks, members, '')) as Found);
}

/**
 * @param member says that it is there; nobody when absent.
 * @throws when Redis cannot be reached.
 */
export async function callRoll(redis: Redis, prefix: string, service: string, member = ''): Promise<Roll> {
  const keys = keysOf(prefix, service);
  // What all its queues' keys begin with, up to the partition.
  const queues = `${prefix}:${queueName(service, 0).slice(0, -1)}`;
  const found = await redis.eval(ROLL, 2, keys.marks, keys.members, member, queues);
  const [marks, members, holding, paused] = found as [...Found, number[], number[]];
  return { ...lookOf([marks, members]), holding, paused };
}

/** As the scripts answer: marks by name, and members, each after when it came. */
type Found = [marks: string[], members: string[]];

function lookOf([marks, members]: Found): Look {
  const numbers: Record<string, number> = {};
  for (let at = 0; at + 1 < marks.length; at += 2) numbers[marks[at] ?? ''] = Number(marks[at + 1]);
  // All times have as many digits.
  return { marks: numbers, members: members.toSorted().map(member => member.slice(member.indexOf(' ') + 1)) };
}
