import { ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ForbiddenException, Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import { ExternalContextCreator, HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { IpcIdentity } from '@linnet/common';
import { isObservable } from 'rxjs';
import { correlationOf } from '../../call/correlation.activity.js';
import { runUntilDone } from '../../call/request.context.js';
import { prepareMessages } from '../../nest/internals/express.internals.js';
import type { ExpressRequest, ExpressResponse } from '../../nest/internals/express.internals.js';
import { ExecutionContextHost } from '../../nest/internals/nest.exports.js';
import { RequestGuards } from '../../nest/pipeline/request.guards.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IpcTicketService } from './ipc.ticket.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';

const next = () => undefined;
/** Stands for the guarded method: an upgrade calls no method of the application. */
const authorizeUpgrade = () => undefined;

/** Finds the user of an upgrade request, and decides whether a session may begin. */
@Injectable()
export class IpcAuthorizer {
  readonly #guards: RequestGuards;

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly tickets: IpcTicketService,
    moduleRef: ModuleRef,
    creator: ExternalContextCreator,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    this.#guards = new RequestGuards(moduleRef, creator, 'the upgrade');
  }

  /** Makes the guards at start. @throws Error if a guard cannot be made (rejection) */
  prepare(): Promise<void> {
    return this.#guards.prepare(this.options.guards);
  }

  /**
   * Authorizes an upgrade request.
   *
   * @returns the user; `undefined` if a guard has written an answer of its own
   * @throws HttpException if it is refused (rejection); any other error is a fault of this server
   */
  authorize(request: IncomingMessage, socket: Socket): Promise<IpcIdentity | undefined> {
    return runUntilDone(correlationOf(request.headers), () => this.#authorize(request, socket));
  }

  async #authorize(request: IncomingMessage, socket: Socket): Promise<IpcIdentity | undefined> {
    const ticket = await this.#redeem(request);
    const { authorize } = this.options;
    const verdict = authorize ? await authorize(request, ticket) : (ticket ?? true);
    if (!verdict) throw new ForbiddenException('This frontend may not open a session.');
    const identity = verdict === true ? (ticket ?? {}) : checkIdentity(verdict, 'authorize');
    const user = this.#guards.isEmpty ? identity : await this.#guard(request, socket, identity);
    if (!user) return undefined;
    const { accessToken = request.headers.authorization ?? '' } = identity;
    return { ...identity, ...user, accessToken };
  }

  async #redeem(request: IncomingMessage): Promise<IpcIdentity | undefined> {
    const query = request.url!.split('?', 2)[1] ?? '';
    const ticket = new URLSearchParams(query).get('ticket');
    if (ticket === null) return undefined;
    const identity = await this.tickets.redeem(ticket);
    if (!identity) throw new UnauthorizedException('The ticket is not valid, or has expired.');
    return checkIdentity(identity, 'The store of tickets');
  }

  /** Runs the guards with a request and a response. They set `request.user`, as for other requests. */
  async #guard(
    request: IncomingMessage & { user?: unknown },
    socket: Socket,
    { user }: IpcIdentity,
  ): Promise<{ user?: unknown } | undefined> {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    const adapter = this.adapterHost.httpAdapter;
    if (adapter.getType() === 'express')
      prepareMessages(adapter.getInstance(), request as ExpressRequest, response as ExpressResponse);
    request.user ??= user;
    const context = new ExecutionContextHost([request, response, next], IpcAuthorizer, authorizeUpgrade);
    /** The refusal of a guard. It is wrapped, because `undefined` can be thrown as well. */
    let refusal: { readonly thrown: unknown } | undefined;
    try {
      await this.#guards.admit(context);
    } catch (thrown) {
      refusal = { thrown };
    }
    if (response.headersSent || response.writableEnded) {
      // The answer may be finished by now.
      if (response.writableFinished) socket.destroySoon();
      else response.once('finish', () => socket.destroySoon());
      return undefined;
    }
    response.detachSocket(socket);
    if (refusal) throw refusal.thrown;
    return { user: request.user };
  }
}

/** @throws Error if the value is not an identity: a promise, an Observable or a text would admit everybody */
function checkIdentity(value: unknown, source: string): IpcIdentity {
  const isPlain =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isObservable(value);
  if (!isPlain) throw new Error(`${source} did not return an identity: an object like { user }.`);
  return value;
}
