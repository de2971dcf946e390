import { onAbort } from '../base/abort.js';
import type { CallWatch, TraceFields } from '../base/observer.js';

/** The identity of a request, on every transport. */
export interface ActivityProps {
  /** Names one client request and all that follows from it, in every tier (`X-Correlation-ID`). */
  activityId: string;
  /** The session id that the client's application uses (`X-Session-Id`), whatever the transport. */
  sessionId: string;
  /** The client's application (`X-Application-Id`); may be empty. */
  applicationId: string;
  /** The version of the client's application (`X-Application-Version`); may be empty. */
  applicationVersion: string;
  /** The credentials that the client sent (`Authorization`); empty if it sent none. */
  accessToken: string;
  /** The name of the called operation, for instance `countRobots` (RPC) or `robot-v1.2.drive` (IPC). */
  rpcMethod: string;
  /** The time at which the caller stops waiting, in milliseconds since the epoch; `undefined` without a deadline. */
  deadline?: number | undefined;
  /**
   * The number of items of the stream that the caller has already: a call that continues the stream of a `resumable`
   * operation. `undefined` for a call that begins the stream.
   */
  lastEventId?: number | undefined;
  /** The trace that the call belongs to; `undefined` unless an observer follows traces. */
  trace?: TraceFields | undefined;
}

/** @internal What has to know that an activity is aborted. */
export interface ActivityFollower {
  aborted(reason: unknown): void;
}

/** One client request while it is served. Its fields are claims of the client: a guard checks them. */
export class Activity implements ActivityProps {
  /** Names the client request and everything that follows from it, in every tier; `''` if the request has no name. */
  readonly activityId: string;
  /** The session id that the client's application uses. */
  readonly sessionId: string;
  /** The client's application; `''` if the request does not name it. */
  readonly applicationId: string;
  /** The version of the client's application; `''` if the request does not name it. */
  readonly applicationVersion: string;
  /** The credentials that the client sent (`Authorization`), unchecked; `''` if it sent none. */
  readonly accessToken: string;
  /** The name of the called operation, for instance `countRobots` (RPC) or `robot-v1.2.drive` (IPC). */
  readonly rpcMethod: string;
  /** The time at which the caller stops waiting, in milliseconds since the epoch; `undefined` without a deadline. */
  readonly deadline: number | undefined;
  /** The number of items that the caller of a `resumable` operation has already; `undefined` if the stream begins. */
  readonly lastEventId: number | undefined;
  /** The trace that the caller has sent; `undefined` unless an observer follows traces. */
  readonly trace: TraceFields | undefined;
  /** @internal Follows the call for an observer. */
  watch: CallWatch | undefined;
  /** The object that holds the user: a session, a request, or an object that the application set. */
  #bearer: { readonly user?: unknown } | undefined;
  #abort: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;
  #isAnswered = false;
  #reporter: ((value: unknown) => void) | undefined;
  #afterwards: Activity | undefined;
  #unfollow: (() => void) | undefined;
  #followers: Set<ActivityFollower> | undefined;

  constructor(
    props: Partial<ActivityProps> = {},
    /** The owner of the activity: over IPC its session. */
    readonly owner?: { readonly signal: AbortSignal },
    /** Its signal aborts the activity. `null`: only {@link abort} does. */
    private readonly source: { readonly signal: AbortSignal } | null = owner ?? null,
  ) {
    this.activityId = props.activityId ?? '';
    this.sessionId = props.sessionId ?? '';
    this.applicationId = props.applicationId ?? '';
    this.applicationVersion = props.applicationVersion ?? '';
    this.accessToken = props.accessToken ?? '';
    this.rpcMethod = props.rpcMethod ?? '';
    this.deadline = props.deadline;
    this.lastEventId = props.lastEventId;
    this.trace = props.trace;
    this.watch = undefined;
  }

  /**
   * The caller: the user whom a guard or a middleware has set as `request.user`, the user of the session, or
   * the one that was set here.
   */
  get user(): unknown {
    return this.#bearer?.user;
  }

  set user(user: unknown) {
    this.#bearer = { user };
  }

  /** @internal Takes the user of the activity from a request or session, also one that is set later. */
  identifyBy(bearer: object | undefined): void {
    this.#bearer = bearer;
  }

  /** Aborted when the caller leaves before it gets its answer. */
  get signal(): AbortSignal {
    // Created on demand: few methods use it, and it would add a tenth to the cost of a small call.
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#aborted) this.#abort.abort(this.#aborted.reason);
      else this.#followSource();
    }
    return this.#abort.signal;
  }

  /** @internal Whether {@link signal} is aborted, or would be. */
  get isAborted(): boolean {
    return this.#aborted !== undefined || (!this.#isAnswered && this.source?.signal.aborted === true);
  }

  /**
   * @internal Tells a follower when the activity is aborted, at once if it is aborted already. A signal would cost more than the
   * rest of a short stream.
   */
  follow(follower: ActivityFollower): void {
    this.#followSource();
    if (this.#aborted) follower.aborted(this.#aborted.reason);
    (this.#followers ??= new Set()).add(follower);
  }

  /** @internal Tells a follower nothing any more. */
  unfollow(follower: ActivityFollower): void {
    this.#followers?.delete(follower);
  }

  #followSource(): void {
    if (this.source && !this.#isAnswered)
      this.#unfollow ??= onAbort(this.source.signal, (reason) => this.abort(reason));
  }

  /**
   * Reports progress to the caller, if it asked for it (`onProgress`). Reports that come faster than they are sent are replaced by
   * later ones.
   *
   * @param value any value that a result can have
   * @throws NumberedError if the value cannot be sent
   */
  report(value: unknown): void {
    if (!this.#isAnswered) this.#reporter?.(value);
  }

  /** @internal Called by the transport of a caller that asked for progress. */
  reportTo(reporter: (value: unknown) => void): void {
    this.#reporter = reporter;
  }

  /** Called by the transport when nobody waits for the answer any more. */
  abort(reason: unknown): void {
    if (this.#aborted || this.#isAnswered) return;
    this.#aborted = { reason };
    for (const follower of this.#followers ?? none) follower.aborted(reason);
    this.#abort?.abort(reason);
  }

  /** @internal The method is to end, though its caller still gets the rest of its answer: aborts {@link signal} alone. */
  endMethod(reason: unknown): void {
    (this.#abort ??= new AbortController()).abort(reason);
  }

  /** @internal Called by the transport when the call is answered: the activity cannot be aborted any more. */
  answered(): void {
    this.#isAnswered = true;
    this.#unfollow?.();
  }

  /**
   * @internal The activity for code that runs now. After the answer, the remaining work keeps the ids and the session of
   * the call, but not its deadline, signal, credentials and user.
   */
  get present(): Activity {
    if (!this.#isAnswered) return this;
    const { activityId, sessionId, applicationId, applicationVersion, rpcMethod } = this;
    const ids = { activityId, sessionId, applicationId, applicationVersion, rpcMethod };
    return (this.#afterwards ??= new Activity(ids, this.owner, null));
  }
}

const none: readonly never[] = [];

/** Every log line contains the id, so an id that is longer than any generated one is ignored. */
export function isActivityId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= 256;
}
