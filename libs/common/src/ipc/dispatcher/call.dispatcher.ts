import type { Activity } from '../../call/activity.js';
import { GENERAL_ERROR, IModelError, TransientError } from '../../error/imodel.error.js';
import { inOperation } from '../../base/numbered.error.js';
import { CallQueue } from '../../call/call.queue.js';
import { checkError } from '../../call/checked.value.js';
import { resultOf, runBare } from '../../call/result.js';
import type { RunInActivity } from '../../call/result.js';
import { describeLosses } from '../../value/value.inspector.js';
import { AnswerQueue, refusalOf } from './answer.queue.js';
import type { SendFailure } from './answer.queue.js';
import type { SessionBytes } from '../message/session.bytes.js';
import { fromWireChannel } from '../channel/channel.js';
import { activityOfCall } from './activity.js';
import type { DispatcherLoad, IpcCallDispatcherOptions } from './dispatcher.options.js';
import { CallBacklog } from './call.backlog.js';
import { IpcAnswer } from './channel.registry.js';
import type { IpcCall, ChannelRegistry, IpcTarget } from './channel.registry.js';
import { answerFailure } from './error.codec.js';
import type { IpcErrorOptions } from './error.codec.js';
import { IpcClosedError, isClosedError } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import type { IpcServerLink } from '../message/link.js';
import { IpcMessageType, IpcProtocolError } from '../message/message.js';
import type { InvokeMessage, IpcMessage, NoticeMessage } from '../message/message.js';
import { prepareResponse } from '../message/outgoing.message.js';
import { streamRefusal } from '../../call/stream.result.js';
import { StreamResult } from '../../stream/stream.js';
import { NoticeDelivery } from './notice.delivery.js';
import { reportRefusal, settleObserved } from './observed.call.js';
import { ServedStreams } from './served.streams.js';
import type { ServerSession } from './server.session.js';
import { openCalls, sendError } from './unanswered.calls.js';
import type { UnansweredCall } from './unanswered.calls.js';

/** Answers the frontend of one session: starts its calls in the order of its messages. */
export class IpcCallDispatcher {
  /** Whether new calls are refused, because the server is about to end. */
  closing = false;
  #running = 0;
  /** Whether the session has opened; calls wait until then. */
  #isOpen = false;
  /** How much of errors in results the frontend sees, if the application has an option for it. */
  readonly #exposure: IpcErrorOptions | undefined;
  readonly #whenIdle: (() => void)[] = [];
  readonly #run: RunInActivity;
  /** The queues of channels that run one call after the other. */
  readonly #queues = new Map<string, CallQueue>();
  /** Calls that the frontend can cancel, by their number. */
  readonly #cancellable = new Map<number, Activity>();
  readonly #answers: AnswerQueue;
  readonly #notices: NoticeDelivery;
  /** Made for the first call with streams. */
  #streams: ServedStreams | undefined;
  /** Messages that wait, because `pendingCalls` calls are running or the session has not opened yet. */
  readonly #backlog: CallBacklog;

  constructor(
    private readonly session: ServerSession,
    private readonly link: Pick<IpcServerLink, 'send' | 'close' | 'backpressure' | 'items'>,
    private readonly channels: ChannelRegistry,
    private readonly options: IpcCallDispatcherOptions,
    private readonly bytes: SessionBytes,
  ) {
    this.#run = options.run ?? runBare;
    this.#exposure = options.exposeErrors || options.exposeError ? options : undefined;
    const { answerBytes, pendingCalls } = options.limits;
    this.#answers = new AnswerQueue(link, bytes, answerBytes);
    this.#notices = new NoticeDelivery(session, link, channels, options, this.#run);
    this.#backlog = new CallBacklog(options.limits.queuedBytes, bytes, {
      capacity: () => (!this.#isOpen || this.#answers.isMuch ? 0 : pendingCalls - this.#running),
      isOpening: () => !this.#isOpen,
      begin: (message) => this.#begin(message),
      emptied: () => this.#mayBeIdle(),
    });
  }

  /** The work of the session at this moment. */
  get load(): DispatcherLoad {
    return {
      running: this.#running,
      waiting: this.#backlog.size,
      answerBytes: this.#answers.waitingBytes,
      streams: this.#streams?.size ?? 0,
    };
  }

  /** The session has opened: the calls that have waited for it begin. */
  open(): void {
    this.#isOpen = true;
    this.#backlog.resume();
  }

  /** Receives a message of the frontend. Never throws. */
  receive(message: IpcMessage): void {
    try {
      this.#take(message);
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.link.close(error.code, error.message);
    }
  }

  /** @throws IpcProtocolError if the frontend breaks the rules of streams */
  #take(message: IpcMessage): void {
    switch (message.type) {
      case IpcMessageType.Cancel:
        return this.#cancel(message.request);
      case IpcMessageType.Send:
        // A handler may wait for the reply.
        if (this.session.settleReply(message)) return;
        if (!this.#backlog.add(message)) this.#overflow(message);
        return;
      case IpcMessageType.Invoke:
        if (message.slots.length > 0)
          (this.#streams ??= new ServedStreams(this.link, this.options, this.bytes)).begin(message);
        if (!this.#backlog.add(message)) this.#overflow(message);
        return;
      case IpcMessageType.Taken:
        // A frontend that refuses an item of a result leaves it in this way.
        if (message.slot === 0 && message.items === undefined) return this.#cancel(message.request);
        return this.#streams?.receive(message);
      case IpcMessageType.Item:
      case IpcMessageType.StreamEnd:
        return this.#streams?.receive(message);
      // The protocol ignores all other types.
    }
  }

  #cancel(request: number, reason = new Error('The call was cancelled.')): void {
    if (this.#backlog.cancel(request)) this.#streams?.finish(request);
    this.#cancellable.get(request)?.abort(reason);
    this.#streams?.cancel(request, reason);
  }

  #begin(message: InvokeMessage | NoticeMessage): void {
    if (message.type === IpcMessageType.Invoke) this.#invoke(message);
    else
      this.#notices.deliver(
        message,
        () => this.#running++,
        () => this.#settled(),
      );
  }

  /** Handles a message that has no space to wait. */
  #overflow(message: InvokeMessage | NoticeMessage): void {
    const reason = 'of this session have more bytes than there is space for.';
    if (message.type === IpcMessageType.Invoke)
      this.#refuse(message, new TransientError(`The waiting calls ${reason}`), '');
    // A notice cannot be answered with an error.
    else this.link.close(1008, `The waiting messages ${reason}`);
  }

  /** The session is over, and nothing waits for answers any more. */
  ended(closure: IpcClosure): void {
    this.#backlog.clear();
    for (const activity of this.#cancellable.values()) activity.abort(new IpcClosedError(closure));
    this.#streams?.ended(closure);
    this.#answers.clear();
  }

  /** The calls that are not answered, and the messages without an answer that have not begun. */
  unfinished(): { readonly calls: UnansweredCall[]; readonly notices: NoticeMessage[] } {
    const calls = openCalls(this.#cancellable.keys(), this.#backlog.requests, this.#streams);
    return { calls, notices: this.#backlog.notices };
  }

  /** Resolves when no handler and no listener of the session runs any more. */
  async idle(): Promise<void> {
    if (this.#running > 0 || !this.#backlog.isEmpty)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #invoke(message: InvokeMessage): void {
    const { channel, method, data } = message;
    const activity = activityOfCall(this.session, message);
    let target: IpcTarget;
    try {
      if (message.refusal) throw message.refusal;
      target = this.channels.lookup(channel, method);
      if (data.length > this.options.limits.arguments)
        throw new IModelError(GENERAL_ERROR, `More than ${this.options.limits.arguments} arguments.`);
      if (this.closing) throw new TransientError('The server is shutting down.');
      this.#streams?.follow(message, activity);
      this.#streams?.fill(message, target.parametersOf(data));
      if (target.isStream && !message.slots.includes(0)) throw streamRefusal(activity.rpcMethod);
    } catch (error) {
      this.#refuse(message, error, activity.activityId);
      return;
    }
    const call: IpcCall = {
      session: this.session,
      channel: fromWireChannel(channel),
      method: method as string,
      arguments: data,
      activity,
      acceptsStream: message.slots.includes(0),
    };
    this.#running++;
    if (message.isCancellable) this.#cancellable.set(message.request, activity);
    settleObserved(
      { target, session: this.session, message, activity, options: this.options },
      () =>
        this.#run(activity, () =>
          target.sequential ? this.#inTurn(target, call) : this.#work(target, call),
        ),
      (value) => this.#answer(message, activity, target, value),
      (error: unknown) => {
        activity.answered();
        this.#settled(message.request);
        checkError(error, (checked) => this.#fail(message, activity, checked));
      },
      this.#run,
    );
  }

  /** The answer to a call that does not begin. */
  #refuse(message: InvokeMessage, error: unknown, activityId: string): void {
    reportRefusal(this.options);
    this.#streams?.finish(message.request);
    void this.link.send(refusalOf(message, error, activityId));
  }

  #work(target: IpcTarget, call: IpcCall): unknown {
    return target.isStream
      ? this.#streams!.resultOf(() => target.run(call), call.activity)
      : target.run(call);
  }

  #inTurn(target: IpcTarget, call: IpcCall): Promise<unknown> {
    let queue = this.#queues.get(call.channel);
    if (!queue) this.#queues.set(call.channel, (queue = new CallQueue(1, this.options.limits.pendingCalls)));
    return queue.run(
      () => resultOf(() => this.#work(target, call), call.activity, this.#run),
      () => call.activity.signal,
      call.activity.watch,
    );
  }

  #settled(request?: number): void {
    if (request !== undefined) {
      this.#cancellable.delete(request);
      this.#streams?.finish(request);
    }
    this.#running--;
    this.#backlog.resume();
    this.#mayBeIdle();
  }

  #mayBeIdle(): void {
    if (this.#running > 0 || this.#whenIdle.length === 0 || !this.#backlog.isEmpty) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Writes an answer as soon as there is space for it: many calls do not make a frontend a slow reader. */
  #answer(message: InvokeMessage, callActivity: Activity, target: IpcTarget, answer: unknown): void {
    const { channel, request } = message;
    const plain = {
      value: answer,
      envelope: target.enveloped ? ('result' as const) : undefined,
      activity: callActivity,
    };
    const { value, envelope, activity } = answer instanceof IpcAnswer ? answer : plain;
    const done = (failure?: SendFailure) => {
      this.#settled(request);
      // A result that cannot be sent is a fault of the server, whatever its error is.
      if (failure) this.#fail(message, activity, inOperation(failure.thrown, activity.rpcMethod), true);
    };
    if (value instanceof StreamResult) {
      this.#streams!.send(message, value.items, activity, () => {
        callActivity.answered();
        done();
      });
      return;
    }
    callActivity.answered();
    try {
      const response = prepareResponse(channel, request, value, envelope, this.#exposure);
      this.#answers.send(response, activity.activityId, done);
    } catch (thrown) {
      done({ thrown });
      return;
    }
    if (!this.options.developmentMode) return;
    for (const loss of describeLosses(value))
      this.options.report?.({ kind: 'warning', message: `The caller will not see it: ${loss}.`, activity });
  }

  #fail(
    { channel, request }: Pick<InvokeMessage, 'channel' | 'request'>,
    activity: Activity,
    thrown: unknown,
    internal = false,
  ): void {
    // A call that ended with its session did not fail, and has no caller any more.
    if (!this.session.isOpen && isClosedError(thrown)) return;
    const value = answerFailure(thrown, activity, this.options, internal);
    sendError(this.link, channel, request, value);
  }
}
