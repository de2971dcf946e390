import { onAbort } from '../base/abort.js';

/** What a request says about itself, on every transport. */
export interface ActivityProps {
  /** Names one client request and all that follows from it, in every tier (`X-Correlation-ID`). */
  activityId: string;
  /** What the client's application calls its session (`X-Session-Id`), whatever the transport. */
  sessionId: string;
  /** What the client's application calls itself (`X-Application-Id`); may be empty. */
  applicationId: string;
  /** Its version, as the client writes it (`X-Application-Version`); may be empty. */
  applicationVersion: string;
  /** The credentials as the client sent them (`Authorization`), empty if there are none. */
  accessToken: string;
  /** What is being served, for instance `countRobots` (RPC) or `robot-v1.2.drive` (IPC). */
  rpcMethod: string;
  /** When the caller stops waiting, in milliseconds since the epoch, if it has said so. */
  deadline?: number | undefined;
}

/** One client request, while it is being served. Its fields are the client's claims: a guard checks them. */
export class Activity implements ActivityProps {
  /** Names the client request and all that follows from it, in every tier; `''` where it has no name. */
  readonly activityId: string;
  /** Of the client's application: what it calls its session. */
  readonly sessionId: string;
  /** What the client's application calls itself; `''` where it does not say. */
  readonly applicationId: string;
  /** Its version, as the client writes it; `''` where it does not say. */
  readonly applicationVersion: string;
  /** The credentials as the client sent them (`Authorization`); `''` if there are none. Nobody has checked them yet. */
  readonly accessToken: string;
  /** What is being served, for instance `countRobots` (RPC) or `robot-v1.2.drive` (IPC). */
  readonly rpcMethod: string;
  /** When the caller stops waiting, in milliseconds since the epoch; `undefined` where it has not said so. */
  readonly deadline: number | undefined;
  /** The object that has the user: a session, a request, or the object of a user that was set by hand. */
  #bearer: { readonly user?: unknown } | undefined;
  #abort: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;
  #isAnswered = false;
  #afterwards: Activity | undefined;
  #unfollow: (() => void) | undefined;

  constructor(
    props: Partial<ActivityProps> = {},
    /** What the activity is part of: its session over IPC. */
    readonly owner?: { readonly signal: AbortSignal },
    /** The activity is aborted with it; `null`: it can be aborted by itself only. */
    private readonly source: { readonly signal: AbortSignal } | null = owner ?? null,
  ) {
    this.activityId = props.activityId ?? '';
    this.sessionId = props.sessionId ?? '';
    this.applicationId = props.applicationId ?? '';
    this.applicationVersion = props.applicationVersion ?? '';
    this.accessToken = props.accessToken ?? '';
    this.rpcMethod = props.rpcMethod ?? '';
    this.deadline = props.deadline;
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

  /** @internal From now on the user of the activity is that of a request or session, also one that is set later. */
  identifyBy(bearer: object | undefined): void {
    this.#bearer = bearer;
  }

  /** Aborted when the caller is gone before it has its answer. */
  get signal(): AbortSignal {
    // Made on demand: few methods look at it, and it would be a tenth of the cost of a small call.
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#aborted) this.#abort.abort(this.#aborted.reason);
      else if (this.source && !this.#isAnswered)
        this.#unfollow = onAbort(this.source.signal, (reason) => this.abort(reason));
    }
    return this.#abort.signal;
  }

  /** Called by the transport when nobody waits for the answer any more. */
  abort(reason: unknown): void {
    if (this.#aborted || this.#isAnswered) return;
    this.#aborted = { reason };
    this.#abort?.abort(reason);
  }

  /** @internal Called by the transport when the call is answered: the activity cannot be aborted any more. */
  answered(): void {
    this.#isAnswered = true;
    this.#unfollow?.();
  }

  /**
   * @internal The activity as code finds it that runs now: after the answer, work that goes on has the ids of the call, and
   * its session, but not its deadline, end, credentials or user.
   */
  get present(): Activity {
    if (!this.#isAnswered) return this;
    const { activityId, sessionId, applicationId, applicationVersion, rpcMethod } = this;
    const ids = { activityId, sessionId, applicationId, applicationVersion, rpcMethod };
    return (this.#afterwards ??= new Activity(ids, this.owner, null));
  }
}

/** An id is written into every line of the log: one that is longer than any that is made is not taken over. */
export function isActivityId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= 256;
}
