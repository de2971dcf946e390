import { CALL_STREAMS } from '../../base/limits.js';
import type { NumberedError } from '../../base/numbered.error.js';
import { observer } from '../../base/observer.js';
import { readTrace } from '../../base/trace.fields.js';
import { isCount } from '../../value/value.codec.js';
import { ignoredMessage, IpcMessageType, IpcProtocolError } from './message.js';
import type { IpcMessage } from './message.js';

/** The members of a message as they were read from a wire, before they are checked. */
export interface MessageMembers {
  readonly type: number;
  readonly channel: unknown;
  readonly method: unknown;
  /** The number of a call, also in its answer. */
  readonly request: unknown;
  readonly data: unknown;
  readonly activityId: unknown;
  readonly timeoutMs: unknown;
  readonly isCancellable: boolean;
  /** Absent on a wire without streams. */
  readonly slots?: unknown;
  /** Absent on a wire without traces. */
  readonly trace?: unknown;
}

/**
 * Makes a message of its members.
 *
 * @throws IpcProtocolError if a member is not what it should be
 */
export function checkMessage(members: MessageMembers, refusal?: NumberedError): IpcMessage {
  const { channel, request, data } = members;
  if (typeof channel !== 'string') throw malformed('names no channel');
  if (!isCount(request)) throw malformed('has a request number that is none');
  if (!Array.isArray(data)) throw malformed('has no list of arguments');
  return messageOf(members, channel, request, data as unknown[], refusal);
}

function messageOf(
  { type, method, activityId, timeoutMs, isCancellable, slots, trace: sentTrace }: MessageMembers,
  channel: string,
  request: number,
  data: unknown[],
  refusal: NumberedError | undefined,
): IpcMessage {
  // Read only where somebody follows traces.
  const trace = observer?.followsTraces && sentTrace !== undefined ? readTrace(sentTrace) : undefined;
  switch (type) {
    case IpcMessageType.Send:
    case IpcMessageType.Push:
      return { type, channel, data, refusal, trace };
    case IpcMessageType.Invoke:
      return {
        type,
        channel,
        data,
        refusal,
        method,
        request,
        activityId,
        timeoutMs,
        isCancellable,
        slots: slotsOf(slots),
        trace,
      };
    case IpcMessageType.Response:
      return { type, channel, data, refusal, request };
    case IpcMessageType.Cancel:
      return { type, request };
    default:
      return ignoredMessage;
  }
}

export function malformed(what: string): IpcProtocolError {
  return new IpcProtocolError(1002, `A message ${what}.`);
}

const noSlots: readonly number[] = [];

/** The streams of a call. @throws IpcProtocolError if they are not a short list of different numbers */
function slotsOf(slots: unknown): readonly number[] {
  if (slots === undefined) return noSlots;
  const isList = Array.isArray(slots) && slots.length <= CALL_STREAMS && slots.every(isCount);
  if (!isList || new Set(slots).size < slots.length) throw malformed('has a list of streams that is none');
  return slots;
}
