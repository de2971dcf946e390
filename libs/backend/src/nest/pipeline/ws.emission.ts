import type { ArgumentsHost } from '@nestjs/common';
import { MESSAGES } from '../internals/nest.exports.js';

/** The client as filters of gateways use it. */
type Client = Record<PropertyKey, unknown>;

/**
 * Takes what a filter of gateways emits: around a gateway the client gets it as the event `exception`; here a call waits for
 * its error, and gets it as that.
 */
export class WsEmission {
  #payload: unknown;

  constructor(private readonly context: ArgumentsHost) {}

  /** The context for the filter, whose client has a method `emit`. */
  get filterContext(): ArgumentsHost {
    const { context } = this;
    const emit = (event: unknown, payload: unknown) => {
      if (event === 'exception') this.#payload = payload;
      return true;
    };
    const client = new Proxy(context.switchToWs().getClient<Client>(), {
      get(session, name) {
        if (name === 'emit') return emit;
        const value = session[name];
        // Methods of a session work on the session only.
        return typeof value === 'function' ? (value.bind(session) as unknown) : value;
      },
    });
    const host = Object.create(context) as ArgumentsHost;
    host.switchToWs = () =>
      Object.assign(Object.create(context.switchToWs()) as object, { getClient: () => client }) as never;
    return host;
  }

  /** The object that replaces an error; `undefined` where the filter has emitted nothing more than it. */
  replacing(error: unknown): object | undefined {
    const payload = this.#payload;
    if (typeof payload !== 'object' || payload === null) return undefined;
    const { message } = payload as { message?: unknown };
    // The base filter says so of errors that it does not know, and the call knows better.
    if (message === MESSAGES.UNKNOWN_EXCEPTION_MESSAGE) return undefined;
    const { message: before, getError } = Object(error) as { message?: unknown; getError?: unknown };
    const isSame = typeof getError === 'function' && (getError.call(error) === payload || before === message);
    return isSame ? undefined : payload;
  }
}
