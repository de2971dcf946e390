import { createInbox } from '@nats-io/transport-node';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { HttpRpcHandler, RpcListener, RpcListening } from '@linnet/common';
import { ByteBudget, limitsFrom, OpenCalls, reportUnhandled } from '@linnet/common/internal';
import { openConnection } from '../connection/connection.js';
import type { NatsConnectionOptions, OpenConnection } from '../connection/connection.js';
import { receiving } from '../message/receiving.js';
import { checkService, INBOX_PREFIX, isInbox, ownerOf, subjectOf, tokenOf } from '../message/subject.js';
import { defaultNatsLimits } from './limits.js';
import type { NatsLimits } from './limits.js';
import { ServedCall } from './served.call.js';
import type { ServedCallHost } from './served.call.js';

/** Options of {@link natsServer}. */
export interface NatsServerOptions extends NatsConnectionOptions {
  /**
   * The name of the service: letters, digits, `-` and `_`. Servers with the same name are one queue group, and each call goes
   * to one of them. They serve the same interfaces.
   */
  readonly service: string;
  /** Missing members have the value of {@link defaultNatsLimits}. */
  readonly limits?: Partial<NatsLimits>;
}

/**
 * Serves the RPC interfaces of a server over NATS as well.
 *
 * ```ts
 * RpcModule.forRoot({ nats: natsServer({ servers: 'nats://127.0.0.1:4222', service: 'stock' }) })
 * ```
 *
 * @throws Error if the service cannot have this name, or a limit is not a number
 */
export function natsServer({ service, limits, ...connection }: NatsServerOptions): RpcListener {
  checkService(service);
  const all = limitsFrom(defaultNatsLimits, limits);
  return {
    async listen(handler) {
      const opened = await openConnection(connection);
      const prefix = connection.inboxPrefix ?? INBOX_PREFIX;
      const listening = new NatsListening(opened, handler, prefix, all);
      await listening.begin(service);
      return listening;
    },
  };
}

/** Above so many times the limit no call is accepted. */
const CEILING = 2;

/** A server in the queue group of its service. */
class NatsListening implements RpcListening, ServedCallHost {
  readonly nats: NatsConnection;
  readonly #open = new OpenCalls<ServedCall>();
  /** How many of them each client has, by the inbox of its connection. */
  readonly #clients = new Map<string, number>();
  /** Calls to which their clients have to send frames, by the last token of their subject. */
  readonly #addressed = new Map<string, ServedCall>();
  readonly #inbox: string;
  readonly unsent: ByteBudget<ServedCall>;
  #service: Subscription | undefined;
  #frames: Subscription | undefined;

  constructor(
    private readonly opened: OpenConnection,
    readonly handler: HttpRpcHandler,
    private readonly prefix: string,
    readonly limits: NatsLimits,
  ) {
    this.nats = opened.nats;
    this.#inbox = createInbox(prefix);
    this.unsent = new ByteBudget(handler.options.limits.unsentBytes);
  }

  /** Joins the queue group. Resolves when NATS knows it. */
  async begin(service: string): Promise<void> {
    this.#frames = this.nats.subscribe(`${this.#inbox}.*`, {
      callback: receiving((message) => this.#addressed.get(tokenOf(message.subject))?.receive(message)),
    });
    this.#service = this.nats.subscribe(subjectOf(service), {
      queue: service,
      callback: receiving(
        (message) => this.#serve(message),
        (error) => reportUnhandled(`The service "${service}" cannot be served over NATS:`, error),
      ),
    });
    await this.nats.flush();
  }

  async close(timeoutMs: number): Promise<number> {
    // NATS assigns no further calls to this server. Assigned calls are answered.
    await this.opened.settled(() => this.#service!.drain());
    const left = await this.#open.left(timeoutMs);
    for (const call of left) call.cut('The server is shutting down.');
    this.handler.closing = true;
    if (!this.nats.isClosed()) this.#frames?.unsubscribe();
    // The answers must have left before the process ends.
    await this.opened.close();
    return left.length;
  }

  address(call: ServedCall, token: string): string {
    this.#addressed.set(token, call);
    return `${this.#inbox}.${token}`;
  }

  over(call: ServedCall, token: string | undefined): void {
    if (this.#open.delete(call)) this.#count(call, -1);
    if (token !== undefined) this.#addressed.delete(token);
  }

  #serve(message: Msg): void {
    const { reply } = message;
    // Nobody could get the answer. The subject of another's answer is not written to.
    if (!isInbox(reply, this.prefix)) return;
    const call = new ServedCall(this, reply);
    this.#open.add(call);
    const own = this.#count(call, 1);
    const { calls } = this.limits;
    const { size } = this.#open;
    // A client that has less than its share finds space, however many calls the others have. The ceiling holds for all, because a peer
    // can name as many clients as it likes.
    call.begin(message, size > CEILING * calls || (size > calls && own > calls / this.#clients.size));
  }

  /** @returns how many calls the client of a call has now */
  #count({ reply }: ServedCall, by: number): number {
    const client = ownerOf(reply);
    const own = (this.#clients.get(client) ?? 0) + by;
    if (own > 0) this.#clients.set(client, own);
    else this.#clients.delete(client);
    return own;
  }
}
