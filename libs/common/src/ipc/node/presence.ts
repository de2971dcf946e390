import { settle } from '../../base/settle.js';
import { unref } from '../../base/timer.js';
import { generalError, inOperation } from '../../base/numbered.error.js';
import { checkDepth } from '../../value/value.codec.js';
import { encodeIpcValue, parseText } from '../message/value.codec.js';
import type { BackplaneEntry } from './backplane.js';

/** A member of a room. */
export interface RoomMember {
  /** The id of its session. */
  readonly session: string;
  /** The user of the session, as JSON carries it; `undefined` without one. */
  readonly user?: unknown;
  /** The data that `join` was given. */
  readonly data?: unknown;
}

/** A session has joined a room, or left it. The broken connection of a session that waits for its frontend is neither. */
export interface RoomChange {
  /** Whether it has joined or left. */
  readonly type: 'join' | 'leave';
  /** The name of the room. */
  readonly room: string;
  /** The session, with the user and the data of its `join`. */
  readonly member: RoomMember;
}

/** How often a watched room is compared with its list, in milliseconds: nodes that died left it without a word. */
const COMPARE_MS = 5_000;
/** How often a list is read again because the room changed meanwhile. */
const ATTEMPTS = 3;
/** Levels of the JSON of a member. */
const DEPTH = 64;

/**
 * Writes the entry of a member. A user that JSON cannot carry is left out.
 *
 * @param most how many characters it may have
 * @throws NumberedError if it is too long, or its data cannot be sent as JSON
 */
export function writeMember(user: unknown, data: unknown, most: number): string {
  let json: string | undefined;
  try {
    json = jsonOf({ user, data });
  } catch {
    // The session may join all the same, without its user.
  }
  try {
    json ??= jsonOf({ data });
  } catch (error) {
    throw inOperation(error, 'join');
  }
  if (json === undefined) throw generalError('The data of a member has bytes, which a list cannot carry.');
  if (json.length > most) throw generalError(`User and data of a member have more than ${most} characters.`);
  return json;
}

/** JSON text; `undefined` for a value with bytes. @throws NumberedError if the value cannot be sent, or is nested too deeply */
function jsonOf(value: object): string | undefined {
  const { json, parts } = encodeIpcValue(value);
  if (json === undefined || parts.length > 0) return undefined;
  checkDepth(json, DEPTH);
  return json;
}

/** Reads the entry of a member. @returns `undefined` if it is damaged */
export function readMember({ key, value }: Pick<BackplaneEntry, 'key' | 'value'>): RoomMember | undefined {
  try {
    const entry = parseText(value, DEPTH) as { user?: unknown; data?: unknown } | null;
    if (typeof entry !== 'object' || entry === null) return undefined;
    const { user, data } = entry;
    return {
      session: key,
      ...(user === undefined ? {} : { user }),
      ...(data === undefined ? {} : { data }),
    };
  } catch {
    return undefined;
  }
}

/** Watches the members of one room over all nodes. */
export class PresenceWatch {
  readonly listeners = new Set<(change: RoomChange) => void>();
  readonly #known = new Map<string, RoomMember>();
  #changes = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #list: (() => Promise<BackplaneEntry[]>) | undefined;
  #hasCompared = false;
  #isComparing = false;

  /** @param report receives errors of listeners */
  constructor(
    private readonly room: string,
    private readonly report: (thrown: unknown) => void,
  ) {}

  /** Compares from now on with the list, which has the members of other nodes. Members of the first list are not reported. */
  follow(list: () => Promise<BackplaneEntry[]>): void {
    this.#list = list;
    this.#timer = unref(setInterval(() => void this.compare(), COMPARE_MS));
    void this.compare();
  }

  /** Adds or removes a member. */
  changed(type: 'join' | 'leave', member: RoomMember): void {
    this.#changes++;
    const known = this.#known.get(member.session);
    if ((type === 'join') === (known !== undefined)) return;
    if (type === 'join') this.#known.set(member.session, member);
    else this.#known.delete(member.session);
    this.#emit({ type, room: this.room, member: known ?? member });
  }

  /** Members from before the watch are not reported. */
  begin(members: readonly RoomMember[]): void {
    for (const member of members) this.#known.set(member.session, member);
  }

  /** Makes up for changes that nobody reported. Never rejects. */
  async compare(): Promise<void> {
    const list = this.#list;
    if (!list || this.#isComparing) return;
    this.#isComparing = true;
    try {
      // A list that is older than a change would undo it.
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const changes = this.#changes;
        const entries = await list();
        if (changes === this.#changes) {
          this.#replace(entries);
          return;
        }
      }
    } catch {
      // The next time.
    } finally {
      this.#isComparing = false;
    }
  }

  #replace(entries: readonly BackplaneEntry[]): void {
    const members = new Map(entries.map((entry) => [entry.key, readMember(entry)]));
    if (!this.#hasCompared) this.begin([...members.values()].filter((member) => member !== undefined));
    this.#hasCompared = true;
    for (const [session, member] of this.#known) if (!members.has(session)) this.changed('leave', member);
    for (const member of members.values()) if (member) this.changed('join', member);
  }

  #emit(change: RoomChange): void {
    const ignored = () => undefined;
    // A listener may be asynchronous, whatever its type says, and nobody else waits for it.
    for (const listener of this.listeners) settle(() => listener(change), ignored, this.report);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** The topic over which nodes that watch a room learn of its changes. */
export function watchTopic(room: string): string {
  return `w:${room}`;
}
