import { DeadlineError, rebuildError } from '../../error/backend.error.js';
import { newId } from '../../base/random.id.js';
import { generalError } from '../../base/numbered.error.js';
import type { TraceFields } from '../../base/observer.js';
import { onAbort, throwIfAborted } from '../../base/abort.js';
import { later } from '../../base/timer.js';
import type { IpcLimits } from '../../base/limits.js';
import { notifyAll } from '../../base/settle.js';
import { inThisContext } from '../../base/this.context.js';
import { StreamResult } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { IpcClosedError } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import { IpcMessageType, PROGRESS_SLOT } from '../message/message.js';
import type { IpcMessage } from '../message/message.js';
import { prepareInvoke } from '../message/outgoing.message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import type { CallSources, SendSources } from '../stream/call.sources.js';
import type { CallStreams, StreamSide } from '../stream/call.streams.js';
import type { SessionStreams } from '../stream/session.streams.js';
import type { IpcInvokeOptions } from './frontend.options.js';
import type { PersistentConnection } from './persistent.connection.js';

/** How often a call that can be repeated is sent again after its session was lost. */
const MAX_REPETITIONS = 4;

/** How a call is made, beside its options. */
export interface CallTraits {
  /** Whether the call is sent again in the next session where its own is lost. */
  readonly repeatable?: boolean;
  /** Whether the result is a stream: the call then resolves with a {@link StreamResult} at its first item. */
  readonly stream?: boolean;
  /** The streams among the arguments: the nth argument by n. */
  readonly sources?: CallSources;
  /** The trace that the call belongs to. */
  readonly trace?: TraceFields | undefined;
  /** Called when the call is sent again. */
  readonly repeated?: (() => void) | undefined;
}

interface Pending {
  resolve: (data: unknown) => void;
  reject: (reason: unknown) => void;
  /** The session is over: rejects, or sends the call again. */
  lost: (error: IpcClosedError) => void;
  /** The first item of the result, or its end, has arrived. */
  begun: () => void;
  /** The method has reported progress. */
  reported: (value: unknown) => void;
}

/** The calls of a frontend that are not answered yet, and their streams. */
export class FrontendCalls {
  readonly #pending = new Map<number, Pending>();
  /** Made for the first call with streams, so that a page without streams does not load them. */
  #streams: SessionStreams | undefined;
  readonly #side: StreamSide;
  #lastRequest = 0;

  /** @param timeoutMs how long a call without streams may take, in milliseconds; 0: for ever */
  constructor(
    private readonly connection: () => PersistentConnection,
    private readonly timeoutMs: number,
    { queuedBytes }: IpcLimits,
    rebuild: (members: object) => unknown = rebuildError,
  ) {
    this.#side = {
      link: {
        send: (message) => connection().link?.send(message),
        get items() {
          return connection().link?.items;
        },
      },
      mostWaiting: queuedBytes,
      take: () => true,
      free: () => undefined,
      rebuild: (members) => (typeof members === 'object' && members ? rebuild(members) : members),
    };
  }

  /**
   * Calls a channel by its name on the wire.
   *
   * @returns the answer, or the {@link StreamResult} of a call whose result is a stream
   * @throws IpcClosedError (rejection) when the session is lost before; DeadlineError; the signal's reason
   */
  call(
    wireName: string,
    method: string,
    args: unknown[],
    options: IpcInvokeOptions = {},
    { repeatable = false, stream = false, sources = none, trace, repeated }: CallTraits = {},
  ): Promise<unknown> {
    const { signal, onProgress, activityId = newId() } = options;
    const hasStreams = stream || sources.size > 0;
    const { timeoutMs: given = hasStreams ? 0 : this.timeoutMs } = options;
    const slots =
      hasStreams || onProgress
        ? [...(stream ? [0] : []), ...sources.keys(), ...(onProgress ? [PROGRESS_SLOT] : [])]
        : noSlots;
    // An endless timeout has no number on the wire.
    const timeoutMs = Number.isFinite(given) ? given : 0;
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const message = prepareInvoke(wireName, method, request, args, { activityId, timeoutMs, slots, trace });
      const late = () => this.#abandon(request, new DeadlineError(timeoutMs));
      const timer = later(timeoutMs, late);
      const done = () => {
        clearTimeout(timer);
        unfollow();
        this.#pending.delete(request);
        if (hasStreams) this.#streams?.finish(request);
      };
      const unfollow = onAbort(signal, (reason) => this.#abandon(request, reason));
      /** Why a stream among the arguments has failed. It says more than what the method makes of it. */
      let failure: { readonly thrown: unknown } | undefined;
      const fail = (reason: unknown) => {
        const streams = this.#streams?.of(request);
        if (streams) streams.fail(reason);
        else if (sources.size > 0)
          void import('../stream/call.sources.js').then(({ leaveSources }) => leaveSources(sources));
        done();
        reject(failure ? failure.thrown : reason);
      };
      const report =
        onProgress && inThisContext((value) => notifyAll([onProgress], (listener) => listener(value)));
      // A call with streams does not wait among others: its items must not come before it.
      const send = (to: { send(each: OutgoingMessage): unknown } | undefined = this.connection()) => {
        try {
          void to?.send(message);
        } catch (error) {
          this.#pending.get(request)?.reject(error);
        }
      };
      let repetitions = repeatable ? MAX_REPETITIONS : 0;
      let result: StreamItems | undefined;
      this.#pending.set(request, {
        resolve: (data) => (failure ? fail(undefined) : (done(), resolve(data))),
        reject: fail,
        lost: (error) => {
          if (repetitions-- > 0 && this.connection().state !== 'closed') {
            repeated?.();
            send();
          } else this.#pending.get(request)?.reject(error);
        },
        reported: (value) => report?.(value),
        begun: () => {
          if (result) resolve(new StreamResult(result));
          // Every further item comes here as well.
          result = undefined;
        },
      });
      if (!hasStreams) send();
      else
        void this.#begin(request, sources, slots.length, (streams, sendSources) => {
          const left = () => {
            // The reader of a result leaves by cancelling the call.
            if (this.#pending.has(request)) this.connection().cancel(request);
          };
          if (stream) result = streams.openResult(done, left);
          send(this.connection().link);
          sendSources(message.data.name, (why) => (failure ??= why));
        }).catch((error: unknown) => this.#pending.get(request)?.reject(error));
    });
  }

  /** Begins a call with streams. @throws NumberedError (rejection) if the wire has no streams */
  async #begin(
    request: number,
    sources: CallSources,
    count: number,
    begun: (streams: CallStreams, sendSources: SendSources) => void,
  ): Promise<void> {
    const connection = this.connection();
    await connection.ready;
    if (!this.#pending.has(request)) return;
    if (!connection.link?.items)
      throw generalError('Streams need the durable wire, which this backend does not speak.');
    const [{ SessionStreams: Streams }, { openSources, sendSources }] = await Promise.all([
      import('../stream/session.streams.js'),
      import('../stream/call.sources.js'),
    ]);
    let backpressure: Promise<void> | undefined;
    while ((backpressure = connection.link?.backpressure())) await backpressure;
    if (!this.#pending.has(request)) return;
    this.#streams ??= new Streams(this.#side);
    const opened = openSources(sources, count);
    const streams = this.#streams.begin(request);
    begun(streams, (name, failed) => sendSources(streams, opened, name, failed));
  }

  /** Receives a message about a call. @throws IpcProtocolError if the backend breaks the rules of streams */
  receive(message: IpcMessage): void {
    switch (message.type) {
      case IpcMessageType.Response: {
        const pending = this.#pending.get(message.request);
        if (message.refusal) pending?.reject(message.refusal);
        else pending?.resolve(message.data[0]);
        break;
      }
      case IpcMessageType.Item:
      case IpcMessageType.StreamEnd:
        if (message.slot === PROGRESS_SLOT && !message.refusal)
          for (const report of message.data) this.#pending.get(message.request)?.reported(report);
        this.#streams?.receive(message);
        if (message.slot === 0) this.#pending.get(message.request)?.begun();
        break;
      case IpcMessageType.Taken:
        this.#streams?.receive(message);
        break;
      default:
    }
  }

  /** A message that has waited cannot be sent. Its sender does not wait for it, unless it is a call. */
  unsendable(message: OutgoingMessage, error: unknown): void {
    if (message.type === IpcMessageType.Invoke) this.#pending.get(message.request)?.reject(error);
    else console.error(error);
  }

  /** The session is over. */
  lost(closure: IpcClosure): void {
    const error = new IpcClosedError(closure);
    for (const { lost } of this.#pending.values()) lost(error);
  }

  #abandon(request: number, reason: unknown): void {
    const pending = this.#pending.get(request);
    if (!pending) return;
    pending.reject(reason);
    this.connection().cancel(request);
  }
}

const none: CallSources = new Map();
const noSlots: readonly number[] = [];
