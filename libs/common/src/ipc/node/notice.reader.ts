import type { IpcLimits } from '../../base/limits.js';
import { preparePush } from '../message/outgoing.message.js';
import type { MissedFrame } from './backplane.js';
import type { Notification } from './arrivals.js';
import { decodeNodeFrame } from './node.frame.js';
import type { NoticeHead } from './node.frame.js';

/** Reads a notification of another node. @throws Error if it is damaged */
export function readNotice(topic: string, head: NoticeHead, value: unknown, limits: IpcLimits): Notification {
  const { topics, except, channel, from, seq, trace } = head;
  const message = preparePush(channel, readArguments(value, limits), trace);
  return { topics: topics.length > 0 ? topics : [topic], except, message, from, seq };
}

/** Reads the notifications among frames. Damaged ones are left out, as by the node that was to read them. */
export function readNotices(frames: readonly MissedFrame[], limits: IpcLimits): Notification[] {
  return frames.flatMap(({ topic, frame }) => {
    try {
      const { head, value } = decodeNodeFrame(frame, limits);
      return head.kind === 'notice' ? [readNotice(topic, head, value(), limits)] : [];
    } catch {
      return [];
    }
  });
}

/** Checks the arguments of a notification or a call. @throws Error if they are not a list, or too many */
export function readArguments(value: unknown, { arguments: most }: IpcLimits): unknown[] {
  if (!Array.isArray(value) || value.length > most)
    throw new Error(`The arguments are not a list, or more than ${most}.`);
  return value as unknown[];
}
