import { isCount } from '../../value/value.codec.js';

/** The types of the frames by which a session moves. */
export const moveTypes = ['take', 'topics', 'give', 'state', 'refused', 'overtaken'] as const;

/**
 * The head of a frame by which a session moves from one node to another.
 *
 * | type | to | value |
 * | --- | --- | --- |
 * | `take` | the owner | a {@link TakeSession} |
 * | `topics` | the taker, as soon as no call runs | the names of the topics |
 * | `give` | the owner, over its topic, when the taker receives the notifications of the topics | |
 * | `state` | the taker | a piece of the state as the only part; `count` 1: another one follows |
 * | `refused` | the taker | |
 * | `overtaken` | a node that has written the copy of a session that another node has | |
 */
export interface MoveHead {
  readonly kind: 'move';
  readonly from: string;
  readonly seq: number;
  /** The number of the move at the taker. */
  readonly id: number;
  readonly type: (typeof moveTypes)[number];
  /** The id of the session. */
  readonly session: string;
  readonly count: number;
}

/** The frontend that has come to the taker. */
export interface TakeSession {
  readonly secret: string;
  /** Names its user; `null` without one. */
  readonly user: string | null;
  readonly attempt: number;
  readonly received: number;
}

/** Checks the frontend of a taker. @throws Error if it is damaged */
export function readTake(value: unknown): TakeSession {
  const { secret, user, attempt, received } = Object(value) as Partial<Record<keyof TakeSession, unknown>>;
  const isUser = user === null || typeof user === 'string';
  if (typeof secret !== 'string' || !isUser || !isCount(attempt) || !isCount(received))
    throw new Error('A session is taken with damaged members.');
  return { secret, user, attempt, received };
}

/** Reads the names of topics. @throws Error if they are damaged, or more than `most` */
export function readTopics(value: unknown, most: number): string[] {
  const isList = Array.isArray(value) && value.length <= most;
  if (!isList || !value.every((each) => typeof each === 'string' && each.length <= 1024))
    throw new Error('The topics of a session are damaged, or too many.');
  return value as string[];
}
