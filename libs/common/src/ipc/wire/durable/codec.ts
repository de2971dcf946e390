import { isCount } from '../../../value/value.codec.js';
import { defaultIpcLimits } from '../../../base/limits.js';
import type { IpcLimits } from '../../../base/limits.js';
import { checkMessage } from '../../message/message.check.js';
import { ignoredMessage, IpcMessageType, IpcProtocolError } from '../../message/message.js';
import type { IpcMessage } from '../../message/message.js';
import { RefusedMessage } from '../../message/refusal.js';

/** The WebSocket subprotocol of the durable wire; see docs/wire-extension.md. */
export const DURABLE_PROTOCOL = 'linnet.ipc.1';

/**
 * The subprotocol that stands for the compatible wire where the durable one is offered, and before it: a backend that
 * knows neither takes the first, as that of iTwin.js does, and one that takes none is not connected to by a browser.
 */
export const COMPATIBLE_PROTOCOL = 'itwin.ipc';

/** Messages about the connection itself; they have no number. */
export const IpcControlType = {
  /** How many messages have been received. */
  Acknowledge: 8,
  /** The first of a frontend: begins or resumes a session. */
  Hello: 9,
  /** The first of a backend: the session is there. */
  Welcome: 10,
  /** The first of a backend: the session that was to be resumed is not there. */
  Lost: 11,
  /** Asks for an acknowledgement, as a sign of life. */
  Probe: 12,
} as const;

/** A message as it came: one of the session, or control. */
export type DurableMessage =
  | { readonly kind: 'message'; readonly message: Omit<IpcMessage, 'sequence'> }
  | { readonly kind: 'control'; readonly type: number; readonly values: readonly unknown[] };

/** The number of the first message of a frame; where the frame has none, of the next message. @throws IpcProtocolError */
export function readFirst([first]: readonly unknown[]): number {
  if (!isCount(first)) throw new IpcProtocolError(1007, 'A frame does not begin with a number.');
  return first;
}

/** Reads a message of a frame. @throws IpcProtocolError */
export function readMessage(value: unknown): DurableMessage {
  if (value instanceof RefusedMessage) {
    const read = readMessage(value.head);
    if (read.kind === 'control') return read;
    return { kind: 'message', message: { ...read.message, refusal: value.error } };
  }
  if (!Array.isArray(value) || !isCount(value[0]))
    throw new IpcProtocolError(1007, 'A message is no list that begins with its type.');
  const [type, ...values] = value as [number, ...unknown[]];
  if (type >= IpcControlType.Acknowledge) return { kind: 'control', type, values };
  if (type > IpcMessageType.Cancel) return { kind: 'message', message: ignoredMessage };
  return { kind: 'message', message: checkMessage(membersOf(type, values)) };
}

function membersOf(type: number, values: unknown[]): Parameters<typeof checkMessage>[0] {
  const none = { method: undefined, activityId: undefined, timeoutMs: undefined };
  if (type === IpcMessageType.Invoke) {
    // Whoever leaves the id out has none, and his call can be cancelled all the same.
    const [request, channel, method, data, activityId = '', timeoutMs] = values;
    return { type, request, channel, method, data, activityId, timeoutMs };
  }
  if (type === IpcMessageType.Response) {
    const [request, channel, data] = values;
    return { ...none, type, request, channel, data: [data] };
  }
  if (type === IpcMessageType.Cancel) return { ...none, type, request: values[0], channel: '', data: [] };
  const [channel, data = []] = values;
  return { ...none, type, request: 0, channel, data };
}

/** What a backend says of a session that is there. */
interface Welcome {
  readonly sessionId: string;
  readonly secret: string;
  readonly graceMs: number;
  readonly received: number;
  /** Whether the backend knows that both are on one computer. */
  readonly isNative?: boolean;
}

/** What a backend says first: the session is there, or it is not. */
export type Greeting =
  | {
      readonly welcome: Welcome;
      readonly lost?: undefined;
    }
  | { readonly lost: string; readonly welcome?: undefined };

/** Of a greeting: ids and a secret. Whoever is greeted knows nothing yet of who it is. */
export const greetingLimits: IpcLimits = {
  ...defaultIpcLimits,
  textLength: 4096,
  messageBytes: 4096,
  parts: 0,
};

/** How a frontend proves that a session is its own. */
export interface SessionKeys {
  /** Empty before the first welcome. */
  readonly sessionId: string;
  /** The secret of the last welcome; before the first a key that the frontend made, to find what it began. */
  readonly secret: string;
}

/** The first message of a frontend. */
export interface Hello extends SessionKeys {
  /** How many messages of the session it has received. */
  readonly received: number;
  /** Counts the connections of the frontend: a greeting that was on its way for long has a lower number. */
  readonly attempt: number;
}

/** As many characters as a key has to have at the least: it is nobody else's to guess. */
const SHORTEST_KEY = 20;

/** A key for what is about to be begun: 128 random bits. */
export function newKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}

/** The first frame of a frontend, as a list: begins a session, or proves that one is its own. */
export function helloOf({ sessionId, secret }: SessionKeys, received: number, attempt: number): unknown[] {
  return [IpcControlType.Hello, sessionId, secret, received, attempt];
}

/**
 * Reads the first frame of a frontend.
 *
 * @returns `undefined` for one that begins a session without a key
 * @throws IpcProtocolError for anything else
 */
export function readHello([type, sessionId, secret, received, attempt = 0]: unknown[]): Hello | undefined {
  if (type !== IpcControlType.Hello) throw new IpcProtocolError(1002, 'A connection begins with a greeting.');
  if (sessionId === undefined) return undefined;
  const isHello =
    typeof sessionId === 'string' &&
    typeof secret === 'string' &&
    (sessionId !== '' || secret.length >= SHORTEST_KEY) &&
    isCount(received) &&
    isCount(attempt);
  if (!isHello) throw new IpcProtocolError(1002, 'A greeting that resumes no session.');
  return { sessionId, secret, received, attempt };
}

/** The first frame of a backend, as a list. */
export function greetingOf({ welcome, lost }: Greeting): unknown[] {
  if (lost !== undefined) return [IpcControlType.Lost, lost];
  const { sessionId, secret, graceMs, received, isNative } = welcome;
  const list = [IpcControlType.Welcome, sessionId, secret, graceMs, received];
  return isNative ? [...list, true] : list;
}

/** @throws IpcProtocolError */
export function readGreeting([type, ...values]: unknown[]): Greeting {
  const [sessionId, secret, graceMs, received, native] = values;
  if (type === IpcControlType.Lost && typeof sessionId === 'string') return { lost: sessionId };
  if (
    type !== IpcControlType.Welcome ||
    typeof sessionId !== 'string' ||
    typeof secret !== 'string' ||
    !isCount(graceMs) ||
    !isCount(received)
  )
    throw new IpcProtocolError(1002, 'The backend does not greet.');
  return { welcome: { sessionId, secret, graceMs, received, isNative: native === true } };
}
