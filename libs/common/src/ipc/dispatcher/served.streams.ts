import type { Activity } from '../../call/activity.js';
import { runBare } from '../../call/result.js';
import { streamOf, unboundItems } from '../../call/stream.result.js';
import { GENERAL_ERROR, IModelError } from '../../error/imodel.error.js';
import { inOperation } from '../../base/numbered.error.js';
import { SessionStreams } from '../stream/session.streams.js';
import type { StreamFailure } from '../stream/outgoing.stream.js';
import { leaveItems } from '../../stream/reading.js';
import type { StreamItems } from '../../stream/stream.js';
import { rebuildError } from '../../error/backend.error.js';
import { IpcClosedError } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import type { IpcServerLink } from '../message/link.js';
import { PROGRESS_SLOT } from '../message/message.js';
import type { InvokeMessage, ItemMessage, StreamEndMessage, TakenMessage } from '../message/message.js';
import { prepareItem } from '../message/outgoing.message.js';
import type { OutgoingItem } from '../message/outgoing.message.js';
import type { SessionBytes } from '../message/session.bytes.js';
import { answerFailure } from './error.codec.js';
import type { IpcCallDispatcherOptions } from './dispatcher.options.js';

/** Whether a slot is that of an argument: not the result, and not progress. */
function isArgument(slot: number): boolean {
  return slot > 0 && slot !== PROGRESS_SLOT;
}

/** The streams of the calls of one session, at the end of the backend: arguments that arrive, and results that are sent. */
export class ServedStreams {
  readonly #streams: SessionStreams;
  /** Ends a call whose result is a stream, by its number. */
  readonly #running = new Map<number, () => void>();
  /** Reports of progress that wait for space, by the number of their call. */
  readonly #reports = new Map<number, OutgoingItem>();

  /** @param bytes counts the bytes of items that wait to be read */
  constructor(
    private readonly link: Pick<IpcServerLink, 'send' | 'items'>,
    private readonly options: IpcCallDispatcherOptions,
    bytes: SessionBytes,
  ) {
    const { queuedBytes } = options.limits;
    this.#streams = new SessionStreams({
      link,
      mostWaiting: queuedBytes,
      take: (size) => bytes.take(size),
      free: (size) => bytes.add(-size),
      rebuild: (members) => rebuildError(Object(members) as object),
    });
  }

  /** How many streams arrive and are sent. */
  get size(): number {
    return this.#streams.size;
  }

  /** Opens the streams of a call that has arrived. @throws IpcProtocolError if its number is in use */
  begin({ request, slots }: InvokeMessage): void {
    const streams = this.#streams.begin(request);
    for (const slot of slots) if (isArgument(slot)) streams.open(slot);
  }

  /** Puts the streams of a call in their places among its arguments. @throws IModelError if an argument is missing */
  fill({ request, slots }: InvokeMessage, parameters: unknown[]): void {
    for (const slot of slots.filter(isArgument)) {
      if (slot > parameters.length)
        throw new IModelError(
          GENERAL_ERROR,
          `Invalid request: argument ${slot} is a stream, and is missing.`,
        );
      parameters[slot - 1] = this.#streams.of(request)?.argument(slot);
    }
  }

  /** Runs a method whose result is a stream. @returns a {@link StreamResult}, or a promise of one */
  resultOf(work: () => unknown, activity: Activity): unknown {
    const { run = runBare, bindItems = unboundItems } = this.options;
    return streamOf(work, activity.rpcMethod, activity, run, bindItems);
  }

  /** Receives a message about a stream. @throws IpcProtocolError if the frontend sends more than it may */
  receive(message: ItemMessage | StreamEndMessage | TakenMessage): void {
    this.#streams.receive(message);
  }

  /**
   * Sends the result of a call.
   *
   * @param activity names the call in errors and in the log
   * @param done called once, when the stream has ended or was cancelled
   */
  send({ request }: InvokeMessage, items: StreamItems, activity: Activity, done: () => void): void {
    const finish = () => {
      this.#running.delete(request);
      this.finish(request);
      activity.answered();
      done();
    };
    const membersOf = ({ thrown, isUnsendable }: StreamFailure) =>
      answerFailure(inOperation(thrown, activity.rpcMethod), activity, this.options, isUnsendable);
    const streams = this.#streams.of(request);
    // The call was cancelled, or its session has ended.
    if (!streams || activity.isAborted) {
      leaveItems(items);
      finish();
      return;
    }
    this.#running.set(request, finish);
    const { exposeErrors, exposeError } = this.options;
    const exposure = exposeErrors || exposeError ? this.options : undefined;
    streams.send(0, items, { name: activity.rpcMethod, exposure }, membersOf, finish);
  }

  /** Has the activity of a call report its progress to a frontend that asked for it. */
  follow({ request, slots }: InvokeMessage, activity: Activity): void {
    if (slots.includes(PROGRESS_SLOT))
      activity.reportTo((value) => this.#report(request, value, activity.rpcMethod));
  }

  /** Sends a report, or keeps it until there is space for it or a later one comes. @throws NumberedError */
  #report(request: number, value: unknown, name: string): void {
    const { items } = this.link;
    const message = prepareItem(request, PROGRESS_SLOT, value, name);
    const backpressure = items?.backpressure();
    if (!backpressure && !this.#reports.has(request)) {
      items?.send(message);
      return;
    }
    // The method gets the error of a value that cannot be sent, however late it is sent.
    message.data.encode();
    const isWaiting = this.#reports.has(request);
    this.#reports.set(request, message);
    if (!isWaiting) void backpressure?.then(() => this.#sendReport(request));
  }

  #sendReport(request: number): void {
    const message = this.#reports.get(request);
    this.#reports.delete(request);
    try {
      if (message) this.link.items?.send(message);
    } catch {
      // It has more bytes than a message may. The method goes on, and nobody waits for the report.
    }
  }

  /** Whether the result of a call is a stream, which has begun. */
  isSending(request: number): boolean {
    return this.#running.has(request);
  }

  /** Whether a call waits for an item of its arguments. */
  isStarved(request: number): boolean {
    return this.#streams.of(request)?.isStarved ?? false;
  }

  /** The frontend has cancelled a call: readers of its arguments get an error, and its result stops. */
  cancel(request: number, reason: Error): void {
    this.#streams.of(request)?.fail(reason);
    this.#running.get(request)?.();
  }

  /** The call has its outcome: nothing more is read of its arguments. */
  finish(request: number): void {
    this.#reports.delete(request);
    this.#streams.finish(request);
  }

  /** The session is over. */
  ended(closure: IpcClosure): void {
    this.#streams.fail(new IpcClosedError(closure));
    for (const finish of this.#running.values()) finish();
  }
}
