import { joinBytes, utf8 } from '../../bytes/bytes.js';
import type { IpcLimits } from '../../base/limits.js';
import type { TraceFields } from '../../base/observer.js';
import { generalError } from '../../base/numbered.error.js';
import { readTrace } from '../../base/trace.fields.js';
import { needsParts, parseText, reviveParts } from '../message/value.codec.js';
import type { EncodedIpcValue } from '../message/value.codec.js';
import { isCount } from '../../value/value.codec.js';
import { moveTypes } from '../resume/move.head.js';
import type { MoveHead } from '../resume/move.head.js';
import { relayTypes } from '../resume/relay.head.js';
import type { RelayHead } from '../resume/relay.head.js';

/** The version of the frames between nodes. A node ignores frames of another one. */
const VERSION = 1;
/** Characters of the head of a frame. Names in it are bounded one by one; this is for the text as a whole. */
const MAX_HEAD = 256 * 1024;
/** Characters of an id or of a topic. Names of rooms and users are shorter. */
const MAX_NAME = 1024;
/** Characters of the name of a channel. */
const MAX_CHANNEL = 4096;
/** Version, length of the head, length of the text, number of parts. */
const FIXED = 13;
const encoder = new TextEncoder();

/** A notification for the members of a room, the sessions of a user, or all sessions. */
export interface NoticeHead {
  readonly kind: 'notice';
  readonly from: string;
  /** Rises with every frame of the node. */
  readonly seq: number;
  /** All topics of a notification to several, whose frames have one number; empty for one topic. */
  readonly topics: readonly string[];
  /** Ids of the sessions that do not get it. */
  readonly except: readonly string[];
  /** By its name on the wire. */
  readonly channel: string;
  /** The trace of the sender. */
  readonly trace?: TraceFields | undefined;
}

/** A session has joined a room, or left it. */
interface PresenceHead {
  readonly kind: 'presence';
  readonly from: string;
  readonly seq: number;
  readonly type: 'join' | 'leave';
  readonly session: string;
}

/** A message or a call for a session of the receiving node. */
export interface RequestHead {
  readonly kind: 'request';
  readonly from: string;
  readonly seq: number;
  readonly id: number;
  readonly session: string;
  /** `cancel`: the caller waits no longer for the request with this id. */
  readonly type: 'send' | 'invoke' | 'cancel';
  readonly channel: string;
  /** How long the caller waits, in milliseconds; 0: for ever. */
  readonly timeoutMs: number;
  /** The trace of the caller. */
  readonly trace?: TraceFields | undefined;
}

/** The answer to a request. */
export interface ReplyHead {
  readonly kind: 'reply';
  readonly from: string;
  readonly seq: number;
  readonly id: number;
  /** `absent`: the node does not have the session. `failed`: the value is the message of an error; `closed`: the end of the session. */
  readonly type: 'done' | 'failed' | 'absent' | 'closed';
}

/** The head of a frame between nodes. */
export type NodeHead = NoticeHead | PresenceHead | RequestHead | ReplyHead | RelayHead | MoveHead;

/** A frame between nodes as it was received. */
export interface NodeFrame {
  readonly head: NodeHead;
  /** Reads the value: `undefined` if the frame has none. A call with a damaged one is answered. @throws Error if it is damaged */
  readonly value: () => unknown;
  /** The binary parts. They share the memory of the frame. */
  readonly parts: readonly Uint8Array[];
}

/** Writes a frame. @throws NumberedError if another node would not accept it */
export function encodeNodeFrame(
  head: NodeHead,
  { json = '', parts }: EncodedIpcValue,
  limits: IpcLimits,
): Uint8Array {
  const headBytes = encoder.encode(JSON.stringify(checkedHead(head, limits)));
  if (headBytes.byteLength > MAX_HEAD)
    throw generalError('The names of rooms and sessions are too long for another node.');
  const text = encoder.encode(json);
  const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, text.byteLength);
  if (bytes > limits.messageBytes || text.byteLength > limits.textLength || parts.length > limits.parts)
    throw generalError('The value cannot be sent: it is too large for another node.');
  const fixed = new Uint8Array(FIXED + 4 * parts.length);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, headBytes.byteLength);
  view.setUint32(5, text.byteLength);
  view.setUint32(9, parts.length);
  parts.forEach(({ byteLength }, i) => view.setUint32(FIXED + 4 * i, byteLength));
  return joinBytes([fixed, headBytes, text, ...parts]);
}

/**
 * Reads a frame of another node. The broker may be shared, and the other node may be of another version.
 *
 * @throws Error if the frame is of another version, too large, damaged or incomplete
 */
export function decodeNodeFrame(frame: Uint8Array, limits: IpcLimits): NodeFrame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.byteLength < FIXED || view.getUint8(0) !== VERSION)
    throw new Error('The frame has another version.');
  const headLength = view.getUint32(1);
  const textLength = view.getUint32(5);
  const count = view.getUint32(9);
  if (count > limits.parts || headLength > MAX_HEAD || textLength > limits.textLength)
    throw new Error('The frame is above a limit.');
  let at = FIXED + 4 * count;
  if (frame.byteLength > limits.messageBytes + MAX_HEAD || frame.byteLength < at)
    throw new Error('The frame is above a limit, or is cut off.');
  const lengths = Array.from({ length: count }, (_, i) => view.getUint32(FIXED + 4 * i));
  const total = lengths.reduce((sum, length) => sum + length, at + headLength + textLength);
  if (total !== frame.byteLength) throw new Error('The frame has another length than it announces.');
  const section = (length: number) => frame.subarray(at, (at += length));
  const head = checkedHead(parseText(utf8.decode(section(headLength)), 4), limits);
  const json = utf8.decode(section(textLength));
  const parts = lengths.map((length) => section(length));
  return { head, parts, value: () => (json === '' ? undefined : valueOf(json, parts, limits)) };
}

function valueOf(json: string, parts: Uint8Array[], limits: IpcLimits): unknown {
  const value = parseText(json, limits.depth);
  return needsParts(json, parts) ? reviveParts(value, parts) : value;
}

/**
 * Checks a head that is read or written, member by member: only members that are known reach the rest of the code.
 *
 * @throws NumberedError if a member is wrong, too long, or a list with too many entries
 */
function checkedHead(head: unknown, limits: IpcLimits): NodeHead {
  if (typeof head !== 'object' || head === null) throw generalError('The head of a frame is not an object.');
  const wrong = (name: string) => generalError(`"${name}" of a frame between nodes is wrong or too long.`);
  const members = new Map(Object.entries(head));
  const text = (name: string, most = MAX_NAME): string => {
    const value: unknown = members.get(name);
    if (typeof value !== 'string' || value.length > most) throw wrong(name);
    return value;
  };
  const count = (name: string): number => {
    const value: unknown = members.get(name);
    if (!isCount(value)) throw wrong(name);
    return value;
  };
  const texts = (name: string): string[] => {
    const value: unknown = members.get(name);
    if (!Array.isArray(value) || value.length > limits.sessionRooms)
      throw generalError(`"${name}" of a frame between nodes has more than ${limits.sessionRooms} entries.`);
    if (!value.every((each) => typeof each === 'string' && each.length <= MAX_NAME)) throw wrong(name);
    return value as string[];
  };
  const oneOf = <T extends string>(name: string, allowed: readonly T[]): T => {
    const found = allowed.find((each) => each === members.get(name));
    if (found === undefined) throw wrong(name);
    return found;
  };
  const kind = oneOf('kind', ['notice', 'presence', 'request', 'reply', 'relay', 'move'] as const);
  const origin = { from: text('from'), seq: count('seq') };
  const trace = readTrace(members.get('trace'));
  switch (kind) {
    case 'notice':
      return {
        kind,
        ...origin,
        topics: texts('topics'),
        except: texts('except'),
        channel: text('channel', MAX_CHANNEL),
        trace,
      };
    case 'presence':
      return { kind, ...origin, type: oneOf('type', ['join', 'leave'] as const), session: text('session') };
    case 'request':
      return {
        kind,
        ...origin,
        id: count('id'),
        session: text('session'),
        type: oneOf('type', ['send', 'invoke', 'cancel'] as const),
        channel: text('channel', MAX_CHANNEL),
        timeoutMs: count('timeoutMs'),
        trace,
      };
    case 'move':
      return {
        kind,
        ...origin,
        id: count('id'),
        type: oneOf('type', moveTypes),
        session: text('session'),
        count: count('count'),
      };
    case 'relay':
      return {
        kind,
        ...origin,
        relay: count('relay'),
        to: oneOf('to', ['edge', 'owner'] as const),
        type: oneOf('type', relayTypes),
        index: count('index'),
        text: text('text'),
        count: count('count'),
      };
    default:
      return {
        kind,
        ...origin,
        id: count('id'),
        type: oneOf('type', ['done', 'failed', 'absent', 'closed'] as const),
      };
  }
}
