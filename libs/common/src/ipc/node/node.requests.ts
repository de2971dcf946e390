import { throwIfAborted } from '../../base/abort.js';
import { inOperation } from '../../base/numbered.error.js';
import { sentNotice, watched } from '../../base/observer.js';
import type { TraceFields } from '../../base/observer.js';
import { messageOf } from '../../base/text.js';
import { unref } from '../../base/timer.js';
import { waitFor } from '../../base/wait.for.js';
import { exposureOf } from '../../error/error.members.js';
import { isCount } from '../../value/value.codec.js';
import { fromWireChannel } from '../channel/channel.js';
import { IpcClosedError } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import type { ServerSession } from '../dispatcher/server.session.js';
import { IpcProtocolError } from '../message/message.js';
import { preparePush } from '../message/outgoing.message.js';
import { BackplaneError, failures } from './backplane.js';
import type { ReplyHead, RequestHead } from './node.frame.js';

/** How often a waiting request looks whether the session still exists, in milliseconds: its node may have died. */
const LOOK_MS = 5_000;
/** Requests of other nodes that are served at once. */
const MAX_SERVED = 10_000;

/** Sends a frame to a node. */
export type SendFrame = (node: string, head: UnsentHead, value: unknown) => Promise<void>;
/** The head of a frame, before the node adds its id and number. */
export type UnsentHead = Omit<RequestHead, 'from' | 'seq'> | Omit<ReplyHead, 'from' | 'seq'>;

/** How long a caller waits for a frontend, and what ends the wait. */
export interface RemoteCallOptions {
  /** How long to wait for the answer, in milliseconds; 0: for ever. Default `invokeTimeoutMs` of the server. */
  readonly timeoutMs?: number;
  /** Ends the wait: the call rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** A message or a call for a session. */
export interface SessionRequest {
  readonly session: string;
  readonly type: 'send' | 'invoke';
  /** By its name on the wire. */
  readonly channel: string;
  readonly args: unknown[];
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** The node that was asked. */
  node?: string;
}

/** Messages and calls for the sessions of other nodes, and those of other nodes for sessions of this one. */
export class NodeRequests {
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  /** Requests of other nodes that run here, by their nodes and ids. */
  readonly #served = new Map<string, AbortController>();

  /**
   * @param ownerOf finds the node of a session
   * @param find finds a session of this node
   */
  constructor(
    private readonly send: SendFrame,
    private readonly ownerOf: (session: string) => Promise<string | undefined>,
    private readonly find: (session: string) => ServerSession | undefined,
  ) {}

  /** Asks the node of a session. @returns the answer of the frontend; for a message, resolves when its node has sent it */
  ask(request: SessionRequest, options: RemoteCallOptions): Promise<unknown> {
    const { session: sessionId, type, channel } = request;
    const name = fromWireChannel(channel);
    if (type === 'send') return this.#ask(request, options, sentNotice(name, sessionId));
    // The other node only passes the call on: observers follow it here.
    const call = { side: 'client', kind: 'ipc', transport: 'ipc', activityId: '' } as const;
    return watched(
      () => ({ ...call, name, sessionId }),
      (watch) => this.#ask(request, options, watch?.trace),
    );
  }

  async #ask(
    request: SessionRequest,
    { timeoutMs = 0, signal }: RemoteCallOptions,
    trace: TraceFields | undefined,
  ): Promise<unknown> {
    throwIfAborted(signal);
    const { session, type, channel, args } = request;
    const id = ++this.#last;
    const head = { kind: 'request', id, session, type, channel, trace } as const;
    const answer = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    const begin = async () => {
      await Promise.race([answer, this.#begin(session, { ...head, timeoutMs: countOf(timeoutMs) }, args)]);
      return answer;
    };
    const cancel = () => {
      const { node } = this.#pending.get(id) ?? {};
      if (node !== undefined && type === 'invoke')
        this.send(node, { ...head, type: 'cancel', timeoutMs: 0 }, null).catch(() => undefined);
    };
    try {
      const late = () => new Error(`The frontend did not answer within ${timeoutMs} ms.`);
      return await waitFor(begin, { timeoutMs, signal, late, givenUp: cancel });
    } catch (error) {
      throw inOperation(error, fromWireChannel(channel));
    } finally {
      this.#pending.delete(id);
    }
  }

  async #begin(session: string, head: UnsentHead, args: unknown[]): Promise<void> {
    const node = await this.ownerOf(session);
    if (node === undefined) throw absent(session);
    const pending = this.#pending.get(head.id);
    // The caller waits no longer.
    if (!pending) return;
    pending.node = node;
    await this.send(node, head, args);
    this.#look(head.id, session, node);
  }

  /** Rejects the request when its session has no node any more, or another one. */
  #look(id: number, session: string, node: string): void {
    const look = () => {
      const pending = this.#pending.get(id);
      if (!pending) return;
      this.ownerOf(session).then(
        (owner) => (owner === node ? this.#look(id, session, node) : pending.reject(absent(session))),
        () => this.#look(id, session, node),
      );
    };
    unref(setTimeout(look, LOOK_MS));
  }

  /**
   * Serves a request of another node, and answers it unless it is cancelled. Never rejects.
   *
   * @param readArgs throws if the arguments are damaged
   */
  async serve(head: RequestHead, readArgs: () => unknown[]): Promise<void> {
    const { from, id } = head;
    const key = `${id} ${from}`;
    if (head.type === 'cancel') {
      this.#served.get(key)?.abort(new Error('The caller waits no longer.'));
      return;
    }
    const controller = new AbortController();
    const { signal } = controller;
    const send = (type: ReplyHead['type'], result: unknown) =>
      this.send(from, { kind: 'reply', id, type }, result);
    const reply = async (type: ReplyHead['type'], result: unknown) => {
      if (signal.aborted) return;
      // An answer may be too large for the backplane. A node that is gone needs none.
      await send(type, result).catch((error: unknown) =>
        send('failed', failureFor(error)).catch(() => undefined),
      );
    };
    const session = this.find(head.session);
    if (!session) return reply('absent', null);
    if (this.#served.size >= MAX_SERVED)
      return reply('failed', 'The node serves too many calls of other nodes.');
    this.#served.set(key, controller);
    try {
      await reply('done', await this.#run(session, head, readArgs(), signal));
    } catch (error) {
      if (error instanceof IpcClosedError) await reply('closed', error.closure);
      else await reply('failed', failureFor(error));
    } finally {
      this.#served.delete(key);
    }
  }

  async #run(
    session: ServerSession,
    { type, channel, timeoutMs, trace }: RequestHead,
    args: unknown[],
    signal: AbortSignal,
  ): Promise<unknown> {
    if (type === 'invoke') return session.passInvoke(channel, args, timeoutMs, trace, signal);
    await session.push(preparePush(channel, args, trace));
    return null;
  }

  /** Settles the request that a frame answers. */
  settle({ id, type }: ReplyHead, read: () => unknown): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    let value: unknown;
    try {
      value = read();
    } catch (error) {
      pending.reject(error);
      return;
    }
    if (type === 'done') pending.resolve(value);
    else if (type === 'absent') pending.reject(new BackplaneError('absent', 'The session is over.'));
    else if (type === 'closed') pending.reject(new IpcClosedError(readClosure(value)));
    else pending.reject(readFailure(value));
  }
}

/** Asks a session of this node. @param session `undefined` if it does not exist */
export async function askLocal(
  { session: id, type, channel, args }: SessionRequest,
  { timeoutMs = 0, signal }: RemoteCallOptions,
  session: ServerSession | undefined,
): Promise<unknown> {
  throwIfAborted(signal);
  if (!session) throw absent(id);
  if (type === 'send') return session.sendRaw(channel, args);
  return session.invokeRaw(channel, args, timeoutMs, signal);
}

/** Whole milliseconds, as a frame carries them; 0 for what is not a time. */
function countOf(milliseconds: number): number {
  const whole = Math.ceil(milliseconds);
  return isCount(whole) ? whole : 0;
}

function absent(session: string): BackplaneError {
  return new BackplaneError('absent', `No session has the id ${JSON.stringify(session.slice(0, 100))}.`);
}

const FAILED = 'The call has failed.';

/** A failure as the other node may know it: callers of that node may see the message of a plain error. */
function failureFor(error: unknown): unknown {
  if (error instanceof BackplaneError) return { failure: error.failure, message: error.message };
  if (error instanceof IpcProtocolError) return error.message;
  return exposureOf(error) === 'hidden' ? FAILED : messageOf(error);
}

function readFailure(value: unknown): Error {
  if (typeof value === 'string') return new Error(value);
  const { failure, message } = Object(value) as { failure?: unknown; message?: unknown };
  const known = failures.find((each) => each === failure);
  return known ? new BackplaneError(known, String(message)) : new Error(FAILED);
}

function readClosure(value: unknown): IpcClosure {
  const { code, reason } = (value ?? {}) as { code?: unknown; reason?: unknown };
  return {
    code: typeof code === 'number' ? code : 1006,
    reason: typeof reason === 'string' ? reason : '',
    initiator: 'remote',
  };
}
