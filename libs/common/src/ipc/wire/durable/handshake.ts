import { defaultIpcLimits } from '../../../base/limits.js';
import type { IpcLimits } from '../../../base/limits.js';
import { isCount } from '../../../value/value.codec.js';
import { IpcProtocolError } from '../../message/message.js';
import { IpcControlType } from './codec.js';

/** The WebSocket subprotocol of the durable wire; see docs/wire-extension.md. */
export const DURABLE_PROTOCOL = 'linnet.ipc.1';

/**
 * The WebSocket subprotocol that frontends offer first, for the compatible wire. A backend that knows neither
 * subprotocol, such as iTwin.js, selects the first one. Browsers do not connect to a backend that selects none.
 */
export const COMPATIBLE_PROTOCOL = 'itwin.ipc';

/** Limits of the first frame of a connection, which has ids and a secret. Its sender is not known yet. */
export const handshakeLimits: IpcLimits = {
  ...defaultIpcLimits,
  textLength: 4096,
  messageBytes: 4096,
  parts: 0,
};

/** Proves that a frontend owns a session. */
export interface SessionKeys {
  /** Empty before the first server hello. */
  readonly sessionId: string;
  /** The secret of the last server hello. Before the first one a key of the frontend, which finds the session that it began. */
  readonly secret: string;
}

/** The first message from a frontend. */
export interface ClientHello extends SessionKeys {
  /** How many messages of the session the frontend has received. */
  readonly received: number;
  /** Counts the connections of the frontend. A client hello that was delayed has a lower number. */
  readonly attempt: number;
}

/** The fewest characters of a key: fewer could be guessed. */
const MIN_KEY_LENGTH = 20;

/** A key for a session that is about to begin: 128 random bits. Empty on a platform without `crypto`, because others could guess it. */
export function newKey(): string {
  const { crypto } = globalThis as unknown as {
    crypto?: { getRandomValues?(numbers: Uint32Array): Uint32Array };
  };
  return crypto?.getRandomValues ? crypto.getRandomValues(new Uint32Array(4)).join('-') : '';
}

/** The first frame of a frontend as a list: begins a session, or proves that it owns one. */
export function writeClientHello(
  { sessionId, secret }: SessionKeys,
  received: number,
  attempt: number,
): unknown[] {
  if (sessionId === '' && secret === '') return [IpcControlType.ClientHello];
  return [IpcControlType.ClientHello, sessionId, secret, received, attempt];
}

/**
 * Reads the first frame of a frontend.
 *
 * @returns `undefined` for a frontend that begins a session without a key
 * @throws IpcProtocolError if the frame is not a client hello
 */
export function readClientHello(list: unknown[]): ClientHello | undefined {
  const [type, sessionId, secret, received, attempt = 0] = list;
  if (type !== IpcControlType.ClientHello)
    throw new IpcProtocolError(1002, 'A connection begins with a client hello.');
  if (sessionId === undefined) return undefined;
  const isHello =
    typeof sessionId === 'string' &&
    typeof secret === 'string' &&
    (sessionId !== '' || secret.length >= MIN_KEY_LENGTH) &&
    isCount(received) &&
    isCount(attempt);
  if (!isHello) throw new IpcProtocolError(1002, 'A client hello that names no session.');
  return { sessionId, secret, received, attempt };
}

/** The answer to a client hello: the backend accepts. */
export interface ServerHello {
  readonly kind: 'hello';
  readonly sessionId: string;
  /** Proves at the next connection that the frontend owns the session. */
  readonly secret: string;
  /** How long the session waits for the next connection, in milliseconds; 0: it ends with this one. */
  readonly graceMs: number;
  /** How many messages of the session the backend has received. */
  readonly received: number;
  /** Whether the backend knows that both sides are on one computer. */
  readonly isNative: boolean;
}

/** The answer to a client hello: the session does not exist. */
export interface SessionNotFoundMessage {
  readonly kind: 'sessionNotFound';
  readonly reason: string;
}

/** The first frame of a backend as a list. */
export function writeServerHello(hello: Omit<ServerHello, 'kind'>): unknown[] {
  const { sessionId, secret, graceMs, received, isNative } = hello;
  const list = [IpcControlType.ServerHello, sessionId, secret, graceMs, received];
  return isNative ? [...list, true] : list;
}

/** The only frame of a backend that does not find the session, as a list. */
export function writeSessionNotFound(reason: string): unknown[] {
  return [IpcControlType.SessionNotFound, reason];
}

/** Reads the first frame of a backend. @throws IpcProtocolError */
export function readServerHello([type, ...values]: unknown[]): ServerHello | SessionNotFoundMessage {
  const [sessionId, secret, graceMs, received, native] = values;
  if (type === IpcControlType.SessionNotFound && typeof sessionId === 'string')
    return { kind: 'sessionNotFound', reason: sessionId };
  if (
    type !== IpcControlType.ServerHello ||
    typeof sessionId !== 'string' ||
    typeof secret !== 'string' ||
    !isCount(graceMs) ||
    !isCount(received)
  )
    throw new IpcProtocolError(1002, 'The backend sends no server hello.');
  return { kind: 'hello', sessionId, secret, graceMs, received, isNative: native === true };
}
