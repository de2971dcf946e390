import { IpcSession } from '@linnet/common';
import type { Activity } from '@linnet/common';

type Headers = Record<string, string | string[] | undefined>;

/** The sender of a message: a session, or a message of a broker. */
export interface MessageOrigin {
  /** The address of the sender; `undefined` if it is unknown. */
  readonly ip: string | undefined;
  /** The headers of the sender. */
  readonly headers: Readonly<Headers>;
  /** The credentials; empty without credentials. */
  readonly accessToken: string;
}

/**
 * The request of a call that came over IPC or NATS, as guards, interceptors and libraries for HTTP look at it: one for each
 * call of an IPC handler or of an RPC operation. It is what `switchToHttp().getRequest()`, `@Req()` and `@Inject(REQUEST)` are.
 * Written to, it changes nothing but itself and the activity's user.
 */
export class MessageRequest {
  /** Always `POST`: calls may change something. */
  method = 'POST';
  /** `/channel/method` of a handler, `/Interface-1.0.0-operation` of RPC. */
  url: string;
  /** As {@link url}. */
  originalUrl: string;
  /** The address of the frontend; `undefined` without a network between. See {@link IpcSession.ip}. */
  ip: string | undefined;
  /** The arguments of the caller. */
  body: unknown;
  /** Empty: what is called is named by {@link url}. */
  params: Record<string, unknown> = {};
  /** As {@link params}. */
  query: Record<string, unknown> = {};

  /** The session that the call came through; `undefined` over NATS. */
  readonly ipcSession: IpcSession | undefined;
  readonly #origin: MessageOrigin;

  constructor(
    origin: MessageOrigin,
    /** The caller, and the deadline. */
    readonly activity: Activity,
    body: unknown,
    url: string,
  ) {
    this.url = url;
    this.originalUrl = url;
    this.#origin = origin;
    this.ipcSession = origin instanceof IpcSession ? origin : undefined;
    this.ip = origin.ip;
    this.body = body;
  }

  /** The user of the session, until a guard or a library sets another for this call: the same as `activity.user`. */
  get user(): unknown {
    return this.activity.user;
  }

  set user(user: unknown) {
    this.activity.user = user;
  }

  /**
   * The headers of the upgrade by which the session began, with the credentials that the session has now. Over NATS the
   * headers of the message.
   */
  get headers(): Headers {
    const { headers, accessToken } = this.#origin;
    // A copy: what a guard writes there is this call's.
    const copy: Headers = { ...headers };
    if (accessToken === '') delete copy['authorization'];
    else copy['authorization'] = accessToken;
    return keep(this, copy);
  }

  set headers(value: Headers) {
    keep(this, value);
  }

  /** The address again, where libraries look for it that do not know of proxies. */
  get socket(): { readonly remoteAddress: string | undefined } {
    return { remoteAddress: this.ip };
  }

  /** As {@link socket}. */
  get connection(): { readonly remoteAddress: string | undefined } {
    return this.socket;
  }

  /** Fastify's name for Node's message: here the object itself. */
  get raw(): this {
    return this;
  }

  /** A header by its name, as Express has it. */
  get(name: string): string | string[] | undefined {
    return this.headers[name.toLowerCase()];
  }

  /** As {@link get}. */
  header(name: string): string | string[] | undefined {
    return this.get(name);
  }
}

/** Puts headers in the place of those that are made on demand. */
function keep(request: MessageRequest, value: Headers): Headers {
  Object.defineProperty(request, 'headers', { value, writable: true, enumerable: true, configurable: true });
  return value;
}
