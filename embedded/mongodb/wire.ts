/**
 * MongoDB's wire protocol: OP_MSG, and OP_QUERY for the first hello of older drivers (manual: "MongoDB Wire
 * Protocol"). Malformed messages throw ProtocolError; the connection they came on is then closed.
 */
import { type Doc, decode, encode, isObject } from './values.ts';

/** Largest message either way, in bytes (MongoDB's `maxMessageSizeBytes`). */
export const MAX_MESSAGE_BYTES = 48_000_000;

const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
/** The lower 16 flag bits must be understood; of these only two are. */
const REQUIRED_FLAGS = 0xffff;

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** `silent` when the client wants no reply. */
export type Request = { id: number; body: Doc; silent: boolean; legacy: boolean };

/** The message at the start of the bytes, or undefined while it is incomplete. */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readInt32LE(0);
  if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES) throw new ProtocolError(`message of ${length} bytes`);
  return length;
}

/** Reads one whole message. */
export function parseMessage(message: Buffer): Request {
  const id = message.readInt32LE(4);
  const code = message.readInt32LE(12);
  try {
    if (code === OP_MSG) return { id, ...parseMsg(message), legacy: false };
    if (code === OP_QUERY) return { id, body: parseQuery(message), silent: false, legacy: true };
  } catch (error) {
    throw new ProtocolError(`malformed message: ${error instanceof Error ? error.message : error}`);
  }
  throw new ProtocolError(`unsupported operation code ${code}`);
}

function parseMsg(message: Buffer): { body: Doc; silent: boolean } {
  const flags = message.readUInt32LE(HEADER_BYTES);
  if (flags & REQUIRED_FLAGS & ~(CHECKSUM_PRESENT | MORE_TO_COME)) throw new ProtocolError(`unknown flags ${flags}`);
  const end = message.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  let body: Doc | undefined;
  const sequences: Doc = {};
  for (let at = HEADER_BYTES + 4; at < end; ) {
    const section = message[at++];
    const size = slice(message, at, end).length;
    if (section === 0 && !body) body = decodeCommand(slice(message, at, end));
    else if (section === 1) Object.assign(sequences, parseSequence(slice(message, at, end)));
    else throw new ProtocolError(`unexpected section ${section}`);
    at += size;
  }
  if (!body) throw new ProtocolError('no body');
  return { body: Object.assign(body, sequences), silent: (flags & MORE_TO_COME) !== 0 };
}

/** What begins at `at` with its own length. */
function slice(bytes: Buffer, at: number, end: number): Buffer {
  const size = bytes.readInt32LE(at);
  if (size < 5 || at + size > end) throw new ProtocolError('a section or document ends outside the message');
  return bytes.subarray(at, at + size);
}

/** The documents of an insert stay bytes, to be stored as they came. */
function decodeCommand(bytes: Buffer): Doc {
  const insert = bytes.toString('latin1', 5, 12) === 'insert\0';
  return decode(bytes, insert);
}

function parseSequence(section: Buffer): Doc {
  const nameEnd = section.indexOf(0, 4);
  if (nameEnd < 0) throw new ProtocolError('unterminated name');
  const name = section.toString('utf8', 4, nameEnd);
  const documents: unknown[] = [];
  for (let at = nameEnd + 1; at < section.length; ) {
    const document = slice(section, at, section.length);
    documents.push(name === 'documents' ? document : decode(document));
    at += document.length;
  }
  return { [name]: documents };
}

function parseQuery(message: Buffer): Doc {
  const nameEnd = message.indexOf(0, HEADER_BYTES + 4);
  if (nameEnd < 0) throw new ProtocolError('unterminated name');
  const [db = ''] = message.toString('utf8', HEADER_BYTES + 4, nameEnd).split('.');
  const body = decode(slice(message, nameEnd + 9, message.length));
  const [name = ''] = Object.keys(body);
  if (!['hello', 'ismaster', 'isMaster'].includes(name)) throw new ProtocolError(`OP_QUERY of ${name}`);
  return { ...body, $db: db };
}

export function replyMessage(id: number, { id: responseTo, legacy }: Request, body: Uint8Array): Buffer {
  const head = Buffer.alloc(legacy ? HEADER_BYTES + 20 : HEADER_BYTES + 5);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(id, 4);
  head.writeInt32LE(responseTo, 8);
  head.writeInt32LE(legacy ? OP_REPLY : OP_MSG, 12);
  // A reply to OP_QUERY: AwaitCapable, no cursor, one document.
  if (legacy) head.writeInt32LE(8, 16);
  if (legacy) head.writeInt32LE(1, 32);
  return Buffer.concat([head, body]);
}

const ARRAY = 4;
const DOCUMENT = 3;

/** BSON of a reply, in which a Uint8Array stands for a document that is encoded already. */
export function encodeReply(reply: Doc): Buffer {
  const pieces: Uint8Array[] = [];
  const bytes = Buffer.allocUnsafe(addReply(reply, pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const END = Buffer.alloc(1);

/** Adds what a document consists of, one piece after the other: so all are put together only once. @returns its size in bytes. */
function addReply(reply: Doc, pieces: Uint8Array[]): number {
  const length = begin(pieces);
  let size = 5;
  let plain: Doc = {};
  for (const [name, value] of Object.entries(reply)) {
    const isApart = value instanceof Uint8Array || isRawArray(value) || (name === 'cursor' && isObject(value));
    if (!isApart) plain[name] = value;
    else {
      size += addPlain(plain, pieces) + add(head(Array.isArray(value) ? ARRAY : DOCUMENT, name), pieces);
      plain = {};
      if (value instanceof Uint8Array) size += add(value, pieces);
      else size += isRawArray(value) ? addArray(value, pieces) : addReply(value, pieces);
    }
  }
  size += addPlain(plain, pieces);
  return end(length, size, pieces);
}

function addPlain(plain: Doc, pieces: Uint8Array[]): number {
  const bytes = encode(plain);
  return bytes.length > 5 ? add(bytes.subarray(4, -1), pieces) : 0;
}

function addArray(documents: Uint8Array[], pieces: Uint8Array[]): number {
  const length = begin(pieces);
  let size = 5;
  for (const [i, document] of documents.entries()) size += add(position(i), pieces) + add(document, pieces);
  return end(length, size, pieces);
}

function begin(pieces: Uint8Array[]): Buffer {
  const length = Buffer.allocUnsafe(4);
  pieces.push(length);
  return length;
}

function add(piece: Uint8Array, pieces: Uint8Array[]): number {
  pieces.push(piece);
  return piece.length;
}

function end(length: Buffer, size: number, pieces: Uint8Array[]): number {
  length.writeInt32LE(size);
  pieces.push(END);
  return size;
}

const positions: Buffer[] = [];

/** The beginning of a document in an array. */
function position(i: number): Buffer {
  if (i >= 1000) return head(DOCUMENT, String(i));
  positions[i] ??= head(DOCUMENT, String(i));
  return positions[i];
}

const isRawArray = (value: unknown): value is Uint8Array[] => Array.isArray(value) && value[0] instanceof Uint8Array;
const head = (type: number, name: string) => Buffer.from(`${String.fromCharCode(type)}${name}\0`, 'latin1');
