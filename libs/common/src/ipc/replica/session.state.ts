import { decodeBlocks, encodeBlocks } from '../../bytes/byte.blocks.js';
import { utf8 } from '../../bytes/bytes.js';
import type { IpcLimits } from '../../base/limits.js';
import { isCount } from '../../value/value.codec.js';
import { encodeIpcValue, parseText, reviveParts } from '../message/value.codec.js';
import type { OpenCall } from '../dispatcher/unanswered.calls.js';
import type { IpcFrame, NoticeMessage } from '../message/message.js';
import type { AdoptedSession } from '../server/sessions.elsewhere.js';

/** A room of a session, or its user, as a topic of the backplane. */
export interface SessionTopic {
  readonly name: string;
  /** The entry in the list of members; empty for a user. */
  readonly entry: string;
}

/** The last frame of a node in a topic that the session has got. */
export interface Position {
  readonly topic: string;
  readonly from: string;
  readonly seq: number;
}

/** The place of a node in the frames that it receives. */
interface NodePlace {
  readonly node: string;
  readonly position: number;
}

/** A message of a frontend without an answer. */
type WaitingNotice = Pick<NoticeMessage, 'channel' | 'data'>;

/** A session, as one node gives it to another. */
export interface SessionState extends AdoptedSession {
  /** The node that has written it. */
  readonly node: string;
  /** Names its user; `null` without one. */
  readonly user: string | null;
  readonly calls: readonly OpenCall[];
  /** Messages of the frontend that have arrived, and have not begun. */
  readonly waiting: readonly WaitingNotice[];
  readonly topics: readonly SessionTopic[];
  readonly positions: readonly Position[];
  /** The place of the node in the frames that it receives; see `BackplaneLogs.position`. */
  readonly position: number;
  /** Nodes that had it before, with their places: what they had not received is in no state that is written yet. */
  readonly earlier: readonly NodePlace[];
}

/** Most blocks: messages wait in hundreds, and the limits of bytes hold for them besides. */
const MAX_KEPT = 1_000_000;
const MAX_ID = 1024;
const MAX_USER = 64 * 1024;
const MAX_SECRETS = 16;
const MAX_SECRET = 64;
const MAX_CALLS = 100_000;
const MAX_CHANNEL = 4096;
const MAX_POSITIONS = 100_000;
const MAX_EARLIER = 100;
const encoder = new TextEncoder();

/** Writes the state of a session. */
export function encodeState({ kept, waiting, ...state }: SessionState): Uint8Array {
  const kinds = kept.map((content) => (typeof content === 'string' ? 't' : 'b')).join('');
  const { calls, topics, positions, earlier, ...rest } = state;
  const head = {
    ...rest,
    kinds,
    waiting: waiting.map(({ channel }) => channel),
    calls: calls.map(({ request, channel, isStream }) => [request, channel, isStream]),
    topics: topics.map(({ name, entry }) => [name, entry]),
    positions: positions.map(({ topic, from, seq }) => [topic, from, seq]),
    earlier: earlier.map(({ node, position }) => [node, position]),
  };
  const contents = kept.map((content) =>
    typeof content === 'string' ? encoder.encode(content) : (content as Uint8Array),
  );
  const notices = waiting.map(({ data }) => encodeData(data));
  return encodeBlocks([encoder.encode(JSON.stringify(head)), ...contents, ...notices]);
}

function encodeData(data: unknown[]): Uint8Array {
  const { json = '[]', parts } = encodeIpcValue(data);
  return encodeBlocks([encoder.encode(json), ...parts]);
}

/** @throws Error if it is damaged */
function decodeData(bytes: Uint8Array, { parts: most, depth }: IpcLimits): unknown[] {
  const [text, ...parts] = decodeBlocks(bytes.slice(), most + 1) ?? [];
  const value = text && reviveParts(parseText(utf8.decode(text), depth), parts);
  if (!Array.isArray(value)) throw wrong('data');
  return value as unknown[];
}

/**
 * Reads the state of a session, which another node has written.
 *
 * @throws Error if it is damaged, or above a limit
 */
export function decodeState(bytes: Uint8Array, limits: IpcLimits): SessionState {
  const [headBytes, ...blocks] = decodeBlocks(bytes, MAX_KEPT) ?? [];
  if (!headBytes) throw wrong('blocks');
  const head = parseText(utf8.decode(headBytes), 4);
  if (typeof head !== 'object' || head === null) throw wrong('head');
  const members = new Map<string, unknown>(Object.entries(head));
  const text = (value: unknown, most = MAX_ID): string => {
    if (typeof value !== 'string' || value.length > most) throw wrong('text');
    return value;
  };
  const count = (value: unknown): number => {
    if (!isCount(value)) throw wrong('number');
    return value;
  };
  const list = <T>(name: string, most: number, read: (value: unknown) => T): T[] => {
    const value = members.get(name);
    if (!Array.isArray(value) || value.length > most) throw wrong(name);
    return value.map(read);
  };
  const tuple = (value: unknown): readonly unknown[] => {
    if (!Array.isArray(value)) throw wrong('entry');
    return value;
  };
  const kinds = text(members.get('kinds'), MAX_KEPT);
  const channels = list('waiting', MAX_CALLS, (value) => text(value, MAX_CHANNEL));
  if (kinds.length + channels.length !== blocks.length || /[^tb]/.test(kinds)) throw wrong('kinds');
  const contents = blocks.splice(0, kinds.length);
  if (bytes.byteLength > stateBytes(limits)) throw wrong('length');
  const user = members.get('user');
  return {
    id: text(members.get('id')),
    node: text(members.get('node')),
    epoch: count(members.get('epoch')),
    user: user === null ? null : text(user, MAX_USER),
    secrets: list('secrets', MAX_SECRETS, (value) => text(value, MAX_SECRET)),
    attempt: count(members.get('attempt')),
    received: count(members.get('received')),
    released: count(members.get('released')),
    position: count(members.get('position')),
    calls: list('calls', MAX_CALLS, (value) => {
      const [request, channel, isStream] = tuple(value);
      return { request: count(request), channel: text(channel, MAX_CHANNEL), isStream: isStream === true };
    }),
    waiting: channels.map((channel, i) => ({ channel, data: decodeData(blocks[i]!, limits) })),
    topics: list('topics', limits.sessionRooms + 8, (value) => {
      const [name, entry] = tuple(value);
      return { name: text(name), entry: text(entry, limits.memberText) };
    }),
    positions: list('positions', MAX_POSITIONS, (value) => {
      const [topic, from, seq] = tuple(value);
      return { topic: text(topic), from: text(from), seq: count(seq) };
    }),
    earlier: list('earlier', MAX_EARLIER, (value) => {
      const [node, position] = tuple(value);
      return { node: text(node), position: count(position) };
    }),
    // Memory of its own: what is acknowledged is used again for other messages.
    kept: contents.map((content, i): IpcFrame => (kinds[i] === 't' ? utf8.decode(content) : content.slice())),
  };
}

/** Most bytes of the state of a session: what may wait for a frontend, with one message above it, what may wait of it, and the rest. */
export function stateBytes({ bufferedBytes, messageBytes, queuedBytes }: IpcLimits): number {
  // Text has up to three bytes for a character.
  return 3 * (bufferedBytes + messageBytes + queuedBytes) + 8 * 1024 * 1024;
}

function wrong(what: string): Error {
  return new Error(`The state of a session is damaged: ${what}.`);
}
