import type { Type } from '@nestjs/common';
import { ExecutionContextHost } from '../internals/nest.exports.js';
import type { Activity } from '@linnet/common';
import { mapNestException } from '../errors/exception.mapper.js';
import type { HandlerCall, OnceEntry } from './handler.call.js';
import { MessageRequest } from '../message/message.request.js';
import type { MessageOrigin } from '../message/message.request.js';
import { MessageResponse } from '../message/message.response.js';
import { SafeLogger } from '../logging/safe.logger.js';

const next = () => undefined;
const logger = new SafeLogger('MessageCall');

/** The target of a call: an operation of RPC, or a method of an IPC handler. */
export interface MessageTarget {
  readonly contextType: 'rpc' | 'ws';
  /** The pattern of a message, as Nest names it. */
  readonly pattern: string;
  /** The same as the path of a request. */
  readonly url: string;
}

/** A call that came as a message of a session or of a broker: it has a request like one of HTTP, and no response that could be written. */
export class MessageCall implements HandlerCall {
  readonly contextType: 'rpc' | 'ws';
  readonly arguments: unknown[];
  readonly contextArguments: unknown[];
  readonly request: MessageRequest;
  readonly #response: MessageResponse;
  context: ExecutionContextHost | undefined;
  once: OnceEntry | undefined;

  constructor(
    { contextType, pattern, url }: MessageTarget,
    origin: MessageOrigin,
    call: { readonly arguments: unknown[]; readonly activity: Activity },
  ) {
    this.contextType = contextType;
    this.arguments = call.arguments;
    this.request = new MessageRequest(origin, call.activity, call.arguments, url);
    this.#response = new MessageResponse(this.request);
    this.contextArguments = [this.request, this.#response, next, call, pattern];
  }

  makeContext(type: Type, callback: (...args: never[]) => unknown): ExecutionContextHost {
    const context = new MessageContext(this.contextArguments, type, callback);
    context.setType(this.contextType);
    return context;
  }

  beforeFilter(): void {}

  isAnswered(): boolean {
    return false;
  }

  failed(error: unknown): void {
    const response = this.#response;
    if (response.statusCode < 400) response.statusCode = mapNestException(error)?.status ?? 500;
  }

  done(): void {
    for (const event of ['finish', 'close']) {
      if (this.#response.listenerCount(event) === 0) continue;
      try {
        this.#response.emit(event);
      } catch (error) {
        // The call has its outcome, whoever watches it.
        logger.error(error);
      }
    }
  }
}

/**
 * The context of a message. By index it has what contexts of HTTP have, as libraries look there; by the names of messages
 * the client is the session, the data are the arguments, and the context is the request, one for each call.
 */
class MessageContext extends ExecutionContextHost {
  override switchToRpc(): ReturnType<ExecutionContextHost['switchToRpc']> {
    return this.#asMessage() as unknown as ReturnType<ExecutionContextHost['switchToRpc']>;
  }

  override switchToWs(): ReturnType<ExecutionContextHost['switchToWs']> {
    return this.#asMessage() as unknown as ReturnType<ExecutionContextHost['switchToWs']>;
  }

  /** Itself, as Nest's is: libraries take it for the identity of a call. */
  #asMessage(): object {
    const request = this.getArgByIndex<MessageRequest>(0);
    return Object.assign(this, {
      getClient: () => request.ipcSession,
      getData: () => this.getArgByIndex<{ arguments: unknown[] }>(3).arguments,
      getContext: () => request,
      getPattern: () => this.getArgByIndex<string>(4),
    });
  }
}
