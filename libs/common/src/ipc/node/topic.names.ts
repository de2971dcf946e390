import type { IpcLimits } from '../../base/limits.js';
import { generalError } from '../../base/numbered.error.js';

/** The topic of all sessions. */
export const ALL = 'all';
const ROOM = 'r:';
const USER = 'u:';

/** Whether a topic is a room, whose members are listed; the others are users. */
export function isRoom(topic: string): boolean {
  return topic.startsWith(ROOM);
}

/** The name of the room that a topic is. */
export function roomOf(topic: string): string {
  return topic.slice(ROOM.length);
}

/** @throws NumberedError if no room can have the name */
export function topicOfRoom(room: string, { roomName }: IpcLimits): string {
  if (typeof room !== 'string' || room === '' || room.length > roomName)
    throw generalError(`A room has a name of 1 to ${roomName} characters.`);
  return ROOM + room;
}

/**
 * @param userKey names a user
 * @returns `undefined` for a user without a name
 * @throws NumberedError if its name is too long
 */
export function topicOfUser(
  user: unknown,
  userKey: (user: unknown) => string | undefined,
  { roomName }: IpcLimits,
): string | undefined {
  const key = user === undefined || user === null ? undefined : userKey(user);
  if (key === undefined) return undefined;
  if (key.length > roomName) throw generalError(`A user has a name of up to ${roomName} characters.`);
  return USER + key;
}
