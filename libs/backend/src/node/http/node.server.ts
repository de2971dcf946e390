import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpResponse, HttpRpcHandler } from '@linnet/common';
import { HttpCall, OpenCalls } from '@linnet/common/internal';
import { NodeCall } from './node.call.js';
import type { NodeCallHost, NodePlatform } from './node.call.js';
import { responseOn } from './node.internals.js';
import { ConnectionCalls } from './connection.calls.js';
import { NodeRequestHead } from './request.head.js';
import { refuseBody } from './response.writer.js';
import { ResponseBacklog } from './response.backlog.js';

/** Serves RPC on Node's HTTP messages, whoever made the server. */
export class NodeRpcServer implements NodeCallHost {
  /** @internal Answers that are yet to be given, or on their way. */
  readonly open = new OpenCalls<ServerResponse>();
  /** @internal Requests whose bodies are being read. */
  readonly receiving = new Set<NodeCall>();
  /** @internal Responses that their clients have not read yet. */
  readonly backlog: ResponseBacklog;
  /** Connections whose clients do not wait for answers. */
  readonly #connections = new Map<Socket, ConnectionCalls>();

  constructor(
    /** Answers what is read here. */
    readonly handler: HttpRpcHandler,
  ) {
    this.backlog = new ResponseBacklog(handler.unsent);
  }

  /** Whether the request is one of RPC. */
  owns(request: IncomingMessage): boolean {
    return this.handler.owns(request.method!, request.url!);
  }

  /** Whether the server goes by the name that the request asks for. */
  trustsHost(request: IncomingMessage): boolean {
    return this.handler.trustsHost(new NodeRequestHead(request));
  }

  /** Answers a request. Never throws; settles whatever the peer does. */
  serve(request: IncomingMessage, response: ServerResponse, platform: NodePlatform = {}): void {
    const { socket } = request;
    // Gone while a middleware took its time: no event will come any more.
    if (socket.destroyed) return;
    const ahead = response.socket ? undefined : responseOn(socket);
    if (!ahead) return this.#begin(request, response, platform);
    const begin = AsyncResource.bind(() => this.#begin(request, response, platform));
    (this.callsOf(request) ?? this.#connection(socket, ahead)).add(request, response, begin);
  }

  /**
   * Ends the service: new calls get 503, as do those whose bodies are not there yet. Calls in flight finish, and their
   * answers are sent.
   *
   * @param timeoutMs how long to wait for that; then the connections of what is left are cut
   * @returns how many calls were left
   */
  async close(timeoutMs: number): Promise<number> {
    this.handler.closing = true;
    for (const call of this.receiving) call.refuseIncomplete();
    const left = await this.open.left(timeoutMs);
    for (const response of left) response.destroy();
    return left.length;
  }

  /** @internal The calls of a connection where they do not wait for each other's answers. */
  callsOf({ socket }: IncomingMessage): ConnectionCalls | undefined {
    return this.#connections.size === 0 ? undefined : this.#connections.get(socket);
  }

  /** @internal Has the connection end with an answer of a server that ends, when all calls on it are answered. */
  endConnection(request: IncomingMessage, response: ServerResponse, answer: HttpResponse): void {
    if (!this.handler.closing) return;
    const calls = this.callsOf(request);
    if (calls && !calls.isLast(response)) return;
    answer.headers.push('Connection', 'close');
    calls?.end();
  }

  /** @internal Answers a request that becomes no call, whether it has been read or not. */
  refuse(
    request: IncomingMessage,
    response: ServerResponse,
    platform: NodePlatform,
    answer: HttpResponse,
  ): void {
    platform.takeOver?.();
    const calls = this.callsOf(request);
    if (refuseBody(response, answer)) calls?.end();
    calls?.done(response);
  }

  #begin(request: IncomingMessage, response: ServerResponse, platform: NodePlatform): void {
    const opened = this.handler.open(new NodeRequestHead(request));
    if (opened instanceof HttpCall) new NodeCall(this, opened, request, response, platform).receive();
    else this.refuse(request, response, platform, opened);
  }

  #connection(socket: Socket, ahead: ServerResponse): ConnectionCalls {
    const { pipelinedCalls } = this.handler.options.limits;
    const calls = new ConnectionCalls(socket, pipelinedCalls, () => this.#connections.delete(socket));
    this.#connections.set(socket, calls);
    // Its own connection tells it when that ends.
    if (this.open.has(ahead)) calls.begun(ahead, () => undefined);
    return calls;
  }
}
