import type { Activity } from '../../call/activity.js';
import { GENERAL_ERROR, IModelError, TransientError } from '../../error/imodel.error.js';
import { inOperation } from '../../base/numbered.error.js';
import { CallQueue } from '../../call/call.queue.js';
import { settle } from '../../base/settle.js';
import { resultOf, runBare, settleResult } from '../../call/result.js';
import type { RunInActivity } from '../../call/result.js';
import { primitiveMembers } from '../../error/error.members.js';
import { describeLosses } from '../../value/value.inspector.js';
import type { IpcLimits } from '../../base/limits.js';
import { refusalOf, AnswerQueue } from './answer.queue.js';
import type { SessionBytes } from '../message/session.bytes.js';
import { activityOf, nameOf } from './activity.js';
import { CallBacklog } from './call.backlog.js';
import { IpcAnswer } from './channel.registry.js';
import type { IpcCall, ChannelRegistry, IpcTarget } from './channel.registry.js';
import { answerFailure } from './error.codec.js';
import type { IpcErrorOptions } from './error.codec.js';
import type { IpcSessionLink } from '../message/link.js';
import { IpcClosedError, IpcMessageType } from '../message/message.js';
import type { IpcClosure, IpcMessage } from '../message/message.js';
import { prepareResponse } from '../message/outgoing.message.js';
import type { IpcListener, IpcSession } from './session.js';

/** How frontends are answered. */
export interface IpcCallDispatcherOptions extends IpcErrorOptions {
  /** What a frontend may send and let wait. */
  readonly limits: IpcLimits;
  /** Makes the activity known to everything that the work starts. Default: just does the work. */
  readonly run?: RunInActivity;
}

/** Answers the frontend of one session: starts what it calls in the order of its messages. */
export class IpcCallDispatcher {
  /** Whether new calls are refused: the server is about to end. */
  closing = false;
  #pending = 0;
  /** How much of errors in results may be seen, where the application says so. */
  readonly #exposure: IpcErrorOptions | undefined;
  readonly #whenIdle: (() => void)[] = [];
  readonly #run: RunInActivity;
  /** By channel, for those that run one call after the other. */
  readonly #queues = new Map<string, CallQueue>();
  /** Calls that the frontend may cancel, by their number; those of the durable wire. */
  readonly #cancellable = new Map<number, Activity>();
  readonly #answers: AnswerQueue;
  /** Messages that have come while as many calls as may be were being worked on. */
  readonly #backlog: CallBacklog;

  constructor(
    private readonly session: IpcSession,
    private readonly link: Pick<IpcSessionLink, 'send' | 'close' | 'room'>,
    private readonly channels: ChannelRegistry,
    private readonly options: IpcCallDispatcherOptions,
    bytes: SessionBytes,
  ) {
    this.#run = options.run ?? runBare;
    this.#exposure = options.exposeErrors || options.exposeError ? options : undefined;
    const { answerBytes, pendingCalls } = options.limits;
    this.#answers = new AnswerQueue(link, bytes, answerBytes);
    this.#backlog = new CallBacklog(options.limits.queuedBytes, bytes, {
      room: () => (this.#answers.isMuch ? 0 : pendingCalls - this.#pending),
      begin: (message) => this.#begin(message),
      emptied: () => this.#mayBeIdle(),
    });
  }

  /** Takes a message of the frontend's. Never throws. */
  receive(message: IpcMessage): void {
    const { type, request } = message;
    if (type === IpcMessageType.Cancel) {
      if (this.#backlog.cancel(request)) return;
      this.#cancellable.get(request)?.abort(new Error('The call was cancelled.'));
      return;
    }
    // A handler may wait for it.
    if (type === IpcMessageType.Send && this.session.takeReply(message.channel, message)) return;
    if (!this.#backlog.add(message)) this.#overflow(message);
  }

  #begin(message: IpcMessage): void {
    if (message.type === IpcMessageType.Invoke) this.#invoke(message);
    else if (message.type === IpcMessageType.Send) this.#listen(message);
    // Other types are ignored, by the protocol.
  }

  /** Handles a message for which room to wait is lacking. */
  #overflow(message: IpcMessage): void {
    if (message.type === IpcMessageType.Invoke)
      void this.link.send(
        refusalOf(message, new TransientError('Too many calls of this session are not answered yet.'), ''),
      );
    // Nobody could be told that it was left out.
    else this.link.close(1008, `More than ${this.options.limits.pendingCalls} messages are being worked on.`);
  }

  /** The session is over: nobody waits for answers any more. */
  ended(closure: IpcClosure): void {
    this.#backlog.clear();
    for (const activity of this.#cancellable.values()) activity.abort(new IpcClosedError(closure));
    this.#answers.clear();
  }

  /** Resolves when no handler and no listener of the session runs any more. */
  async idle(): Promise<void> {
    if (this.#pending > 0 || !this.#backlog.isEmpty)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #invoke(message: IpcMessage): void {
    const { channel, method, data } = message;
    const activity = activityOf(this.session, channel, method, message);
    let target: IpcTarget;
    try {
      if (message.refusal) throw message.refusal;
      target = this.channels.lookup(channel, method);
      if (data.length > this.options.limits.arguments)
        throw new IModelError(GENERAL_ERROR, `More than ${this.options.limits.arguments} arguments.`);
      if (this.closing) throw new TransientError('The server is shutting down.');
    } catch (error) {
      void this.link.send(refusalOf(message, error, activity.activityId));
      return;
    }
    const call: IpcCall = {
      session: this.session,
      channel: nameOf(channel),
      method: method as string,
      arguments: data,
      activity,
    };
    this.#pending++;
    if (message.activityId !== undefined) this.#cancellable.set(message.request, activity);
    settleResult(
      () => this.#run(activity, () => (target.sequential ? this.#inTurn(target, call) : target.run(call))),
      (value) => {
        activity.answered();
        this.#answer(message, activity, target, value);
      },
      (error: unknown) => {
        activity.answered();
        this.#settled(message.request);
        this.#fail(message, activity, error);
      },
      activity,
      this.#run,
    );
  }

  #inTurn(target: IpcTarget, call: IpcCall): Promise<unknown> {
    let queue = this.#queues.get(call.channel);
    if (!queue) this.#queues.set(call.channel, (queue = new CallQueue(1, this.options.limits.pendingCalls)));
    return queue.run(
      () => resultOf(() => target.run(call), call.activity, this.#run),
      () => call.activity.signal,
    );
  }

  #settled(request?: number): void {
    if (request !== undefined) this.#cancellable.delete(request);
    this.#pending--;
    this.#backlog.resume();
    this.#mayBeIdle();
  }

  #mayBeIdle(): void {
    if (this.#pending > 0 || this.#whenIdle.length === 0 || !this.#backlog.isEmpty) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Writes an answer, as soon as there is room for it: a frontend that asks for much is no slow reader. */
  #answer(message: IpcMessage, call: Activity, target: IpcTarget, answer: unknown): void {
    const { channel, request } = message;
    const { mustWait } = this.#answers;
    const done = () => this.#settled(request);
    if (!mustWait) done();
    const own = {
      value: answer,
      envelope: target.enveloped ? ('result' as const) : undefined,
      activity: call,
    };
    const { value, envelope, activity } = answer instanceof IpcAnswer ? answer : own;
    try {
      const response = prepareResponse(channel, request, value, envelope, this.#exposure);
      if (mustWait) this.#answers.add(response, activity.activityId, done);
      else void this.link.send(response);
    } catch (error) {
      if (mustWait) done();
      // A result that cannot be sent is a fault of the server, however well its error tells so.
      this.#fail({ channel, request }, activity, inOperation(error, activity.rpcMethod), true);
      return;
    }
    if (!this.options.developmentMode) return;
    for (const loss of describeLosses(value))
      this.options.report?.({ kind: 'warning', message: `The caller will not see it: ${loss}.`, activity });
  }

  #fail(
    { channel, request }: Pick<IpcMessage, 'channel' | 'request'>,
    activity: Activity,
    thrown: unknown,
    internal = false,
  ): void {
    // What ended with the session is no failure, and there is nobody to answer.
    if (this.#endedWith(thrown)) return;
    const value = answerFailure(thrown, activity, this.options, internal);
    try {
      void this.link.send(prepareResponse(channel, request, value, 'error'));
    } catch {
      // A member of the error cannot be sent; message and number are worth more than it.
      const told = primitiveMembers(Object(value) as object);
      void this.link.send(prepareResponse(channel, request, told, 'error'));
    }
  }

  #endedWith(thrown: unknown): boolean {
    try {
      return !this.session.isOpen && thrown instanceof IpcClosedError;
    } catch {
      // A proxy is asked what it is an instance of, and may throw.
      return false;
    }
  }

  #listen({ channel, data, refusal }: IpcMessage): void {
    const { session } = this;
    const listeners: IpcListener[] = [
      ...session.listenersOf(channel),
      ...this.channels.listeners.of(channel),
    ];
    if (listeners.length === 0) return;
    const activity = activityOf(session, channel, '');
    const { arguments: most } = this.options.limits;
    if (refusal) {
      const message = `A message of channel "${nameOf(channel)}" was ignored: ${refusal.message}`;
      this.options.report?.({ kind: 'warning', message, activity });
      return;
    }
    // Nobody could be told that a message was left out.
    if (data.length > most) {
      this.link.close(1008, `A message of more than ${most} arguments.`);
      return;
    }
    let running = listeners.length;
    const settled = () => {
      if (--running === 0) activity.answered();
      this.#settled();
    };
    for (const listener of listeners) {
      this.#pending++;
      settle(
        () => this.#run(activity, () => listener({ session, activity }, ...data)),
        settled,
        (thrown) => {
          settled();
          // Nobody is told but the log.
          answerFailure(thrown, activity, this.options, true);
        },
      );
    }
  }
}
