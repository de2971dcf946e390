/** The two ends of a relay: the node that has the connection, and the node that has the session. */
export type RelayEndName = 'edge' | 'owner';

/** The types of the frames of a relay. */
export const relayTypes = ['open', 'opened', 'refused', 'data', 'taken', 'close'] as const;

/**
 * The head of a frame of a relay.
 *
 * | type | `text` | `count` | value |
 * | --- | --- | --- | --- |
 * | `open` | id of the session | | an {@link OpenRelay} |
 * | `opened` | | | |
 * | `refused` | a {@link RelayRefusal} | | |
 * | `data` | | {@link DataFlag}s | a piece of a frame, as its only part |
 * | `taken` | | bytes | |
 * | `close` | reason | code | |
 */
export interface RelayHead {
  readonly kind: 'relay';
  readonly from: string;
  readonly seq: number;
  /** The number of the relay at its edge. */
  readonly relay: number;
  /** The end that receives the frame. */
  readonly to: RelayEndName;
  readonly type: (typeof relayTypes)[number];
  /** Counts the frames of the relay in this direction, so that a missing one is noticed. */
  readonly index: number;
  readonly text: string;
  readonly count: number;
}

/** Flags of a piece of data. */
export const DataFlag = {
  /** The frame is text, as UTF-8. */
  text: 1,
  /** Another piece of the frame follows. */
  more: 2,
} as const;

/** The reason why an owner opens no relay. */
export type RelayRefusal =
  /** It does not have the session. */
  | 'absent'
  /** It is about to end, and gives the session away. */
  | 'leaving'
  /** It has as many relays as it can have. */
  | 'full'
  /** It was cut off, and does not know yet whether another node has taken the session. */
  | 'unsure';

/** The value of a frame that opens a relay: what the owner needs to know of the connection. */
export interface OpenRelay {
  /** The frame of the client hello. */
  readonly hello: string;
  /** Names the user of the connection; `null` without one. */
  readonly user: string | null;
  readonly owner: string | null;
  readonly ip: string | null;
  readonly accessToken: string;
  readonly isNative: boolean;
}

const MAX_HELLO = 4096;
const MAX_TOKEN = 64 * 1024;
const MAX_TEXT = 1024;

/** Checks the value of a frame that opens a relay. @throws Error if it is damaged */
export function readOpenRelay(value: unknown): OpenRelay {
  const members = Object(value) as Partial<Record<keyof OpenRelay, unknown>>;
  const { hello, user, owner, ip, accessToken, isNative } = members;
  if (
    !isText(hello, MAX_HELLO) ||
    !isTextOrNull(user) ||
    !isTextOrNull(owner) ||
    !isTextOrNull(ip) ||
    !isText(accessToken, MAX_TOKEN) ||
    typeof isNative !== 'boolean'
  )
    throw new Error('A relay is opened with damaged members.');
  return { hello, user, owner, ip, accessToken, isNative };
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value, MAX_TEXT);
}
