import { joinBytes } from '../../bytes/bytes.js';
import type { IpcLimits } from '../../base/limits.js';
import { decodeState, encodeState } from './session.state.js';
import type { Position, SessionState } from './session.state.js';

/** Flags in the first byte of a frame of a log. */
const Flag = {
  /** The frame has the whole state. Otherwise it has what is new. */
  whole: 1,
  /** The frame has the topics. */
  topics: 2,
  /** Another piece of the frame follows. */
  more: 4,
  /** The frame is a further piece. */
  further: 8,
} as const;

/** Bytes of a piece: brokers bound their frames, NATS to 1 MiB by default. */
const PIECE = 512 * 1024;

/** A change of the state of a session: everything, or the messages that are new, with all small members. */
export interface StateChange {
  readonly isWhole: boolean;
  /** Whether the topics are given. They are the same otherwise. */
  readonly hasTopics: boolean;
  readonly state: SessionState;
}

/** Writes a change as the frames of a log. */
export function encodeChange({ isWhole, hasTopics, state }: StateChange): Uint8Array[] {
  const bytes = encodeState(state);
  const kind = (isWhole ? Flag.whole : 0) | (hasTopics ? Flag.topics : 0);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += PIECE) {
    const more = at + PIECE < bytes.byteLength ? Flag.more : 0;
    const flags = kind | more | (at > 0 ? Flag.further : 0);
    frames.push(joinBytes([Uint8Array.of(flags), bytes.subarray(at, at + PIECE)]));
  }
  return frames;
}

/**
 * Reads the log of a session.
 *
 * @returns `undefined` without a whole state
 * @throws Error if the log is damaged, or above a limit
 */
export function readLog(frames: readonly Uint8Array[], limits: IpcLimits): SessionState | undefined {
  let state: SessionState | undefined;
  let pieces: Uint8Array[] = [];
  for (const frame of frames) {
    const flags = frame[0] ?? 0;
    // A node that could not write all pieces begins again.
    if (!(flags & Flag.further)) pieces = [];
    pieces.push(frame.subarray(1));
    if (flags & Flag.more) continue;
    const change = decodeState(joinBytes(pieces), limits);
    if (flags & Flag.whole) state = change;
    else if (state) state = changed(state, change, (flags & Flag.topics) > 0);
  }
  return state;
}

function changed(state: SessionState, change: SessionState, hasTopics: boolean): SessionState {
  const { released } = change;
  const kept = [...state.kept, ...change.kept].slice(Math.max(0, released - state.released));
  const positions = new Map<string, Position>();
  for (const position of [...state.positions, ...change.positions])
    positions.set(JSON.stringify([position.topic, position.from]), position);
  const topics = hasTopics ? change.topics : state.topics;
  return { ...change, kept, topics, positions: [...positions.values()] };
}
