import { createInbox } from '@nats-io/transport-node';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { ServerError } from '@linnet/common';
import type { HttpReply, HttpRequest } from '@linnet/common';
import { openConnection } from '../connection/connection.js';
import type { NatsConnectionOptions, OpenConnection } from '../connection/connection.js';
import { receiving } from '../message/receiving.js';
import { INBOX_PREFIX, subjectOf, tokenOf } from '../message/subject.js';
import { ClientExchange } from './client.exchange.js';
import type { ExchangeLine } from './client.exchange.js';

/** How often calls in flight are looked at, in milliseconds. */
const LOOK_MS = 5000;

/** The error of a request that was not sent, by the code that HTTP clients know it by. */
function notSent(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNREFUSED' });
}

/** Sends requests of HTTP as messages to a service, and receives their answers over one inbox. */
export class NatsClient {
  readonly #subject: string;
  readonly #prefix: string;
  /** Calls that are not over, by the last token of their inbox. */
  readonly #exchanges = new Map<string, ClientExchange>();
  #line: Promise<Line> | undefined;
  #lastToken = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  constructor(
    private readonly options: NatsConnectionOptions,
    private readonly service: string,
  ) {
    this.#subject = subjectOf(service);
    this.#prefix = options.inboxPrefix ?? INBOX_PREFIX;
  }

  /** Sends a request. Rejects without an answer, and with the reason of the signal once it is aborted. */
  async send(request: HttpRequest): Promise<HttpReply> {
    const line = await this.#open();
    request.signal.throwIfAborted();
    if (!line.open.isUp) throw notSent('the connection to NATS is lost.');
    const token = (++this.#lastToken).toString(36);
    const exchange = new ClientExchange(request, this.#lineOf(line.open.nats, `${line.inbox}.${token}`), () =>
      this.#over(token),
    );
    this.#exchanges.set(token, exchange);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    return exchange.send();
  }

  /** Ends the calls in flight, and the connection if it was opened here. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failAll(() => new Error('The transport is closed.'));
    const line = await this.#line?.catch(() => undefined);
    line?.unsubscribe();
    await line?.open.close();
  }

  #over(token: string): void {
    this.#exchanges.delete(token);
    if (this.#exchanges.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const exchange of this.#exchanges.values()) exchange.look();
  }

  #failAll(make: () => Error): void {
    for (const exchange of this.#exchanges.values()) exchange.fail(make());
  }

  #lineOf(nats: NatsConnection, inbox: string): ExchangeLine {
    return {
      subject: this.#subject,
      inbox,
      prefix: this.#prefix,
      nats,
      unheard: () => new ServerError(-1, `Nobody serves "${this.service}" over NATS.`),
    };
  }

  #open(): Promise<Line> {
    if (this.#isClosed) throw new ServerError(-1, 'The transport is closed.');
    if (this.#line) return this.#line;
    const line = this.#connect();
    this.#line = line;
    line.catch(() => (this.#line = undefined));
    return line;
  }

  async #connect(): Promise<Line> {
    const opened = await openConnection(this.options, {
      down: () => {
        this.#failAll(() => new Error('the connection to NATS was lost before the answer.'));
      },
      refused: (subject) => {
        if (subject === this.#subject)
          this.#failAll(() => new ServerError(-1, `NATS does not let this client call "${this.service}".`));
      },
      closed: () => (this.#line = undefined),
    }).catch((error: unknown) => {
      throw notSent((error as Error).message);
    });
    const line = new Line(opened, createInbox(this.#prefix), (message) =>
      this.#exchanges.get(tokenOf(message.subject))?.receive(message),
    );
    if (this.#isClosed) await line.open.close();
    return line;
  }
}

/** A connection, and the inbox of all calls over it. */
class Line {
  readonly #inbox: Subscription;

  constructor(
    readonly open: OpenConnection,
    readonly inbox: string,
    receive: (message: Msg) => void,
  ) {
    this.#inbox = open.nats.subscribe(`${inbox}.*`, {
      callback: receiving(receive),
    });
  }

  unsubscribe(): void {
    if (!this.open.nats.isClosed()) this.#inbox.unsubscribe();
  }
}
