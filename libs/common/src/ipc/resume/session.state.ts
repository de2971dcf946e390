import { decodeBlocks, encodeBlocks } from '../../bytes/byte.blocks.js';
import { utf8 } from '../../bytes/bytes.js';
import type { IpcLimits } from '../../base/limits.js';
import { isCount } from '../../value/value.codec.js';
import { parseText } from '../message/value.codec.js';
import type { OpenCall } from '../dispatcher/unanswered.calls.js';
import type { IpcFrame } from '../message/message.js';
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

/** A session, as one node gives it to another. */
export interface SessionState extends AdoptedSession {
  /** The node that has written it. */
  readonly node: string;
  /** Names its user; `null` without one. */
  readonly user: string | null;
  readonly calls: readonly OpenCall[];
  readonly topics: readonly SessionTopic[];
  readonly positions: readonly Position[];
  /** The place of the node in the frames that it receives; see `BackplaneNode.position`. */
  readonly position: number;
}

/** Most blocks: messages wait in hundreds, and the limits of bytes hold for them besides. */
const MAX_KEPT = 1_000_000;
const MAX_ID = 1024;
const MAX_USER = 64 * 1024;
const MAX_SECRETS = 16;
const MAX_SECRET = 64;
const MAX_CALLS = 100_000;
const MAX_POSITIONS = 100_000;
const encoder = new TextEncoder();

/** Writes the state of a session. */
export function encodeState({ kept, ...state }: SessionState): Uint8Array {
  const kinds = kept.map((content) => (typeof content === 'string' ? 't' : 'b')).join('');
  const { calls, topics, positions, ...rest } = state;
  const head = {
    ...rest,
    kinds,
    calls: calls.map(({ request, channel, isStream }) => [request, channel, isStream]),
    topics: topics.map(({ name, entry }) => [name, entry]),
    positions: positions.map(({ topic, from, seq }) => [topic, from, seq]),
  };
  const contents = kept.map((content) =>
    typeof content === 'string' ? encoder.encode(content) : (content as Uint8Array),
  );
  return encodeBlocks([encoder.encode(JSON.stringify(head)), ...contents]);
}

/**
 * Reads the state of a session, which another node has written.
 *
 * @throws Error if it is damaged, or above a limit
 */
export function decodeState(bytes: Uint8Array, limits: IpcLimits): SessionState {
  const [headBytes, ...contents] = decodeBlocks(bytes, MAX_KEPT) ?? [];
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
  if (kinds.length !== contents.length || /[^tb]/.test(kinds)) throw wrong('kinds');
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
      return { request: count(request), channel: text(channel, 4096), isStream: isStream === true };
    }),
    topics: list('topics', limits.sessionRooms + 8, (value) => {
      const [name, entry] = tuple(value);
      return { name: text(name), entry: text(entry, limits.memberText) };
    }),
    positions: list('positions', MAX_POSITIONS, (value) => {
      const [topic, from, seq] = tuple(value);
      return { topic: text(topic), from: text(from), seq: count(seq) };
    }),
    // Memory of its own: what is acknowledged is used again for other messages.
    kept: contents.map((content, i): IpcFrame => (kinds[i] === 't' ? utf8.decode(content) : content.slice())),
  };
}

/** Most bytes of the state of a session: what may wait for a frontend, with one message above it, and everything else. */
export function stateBytes({ bufferedBytes, messageBytes }: IpcLimits): number {
  // Text has up to three bytes for a character.
  return 3 * bufferedBytes + 3 * messageBytes + 8 * 1024 * 1024;
}

function wrong(what: string): Error {
  return new Error(`The state of a session is damaged: ${what}.`);
}
