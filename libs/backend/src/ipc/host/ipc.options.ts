import type { IncomingMessage } from 'node:http';
import type { CanActivate, Type } from '@nestjs/common';
import type { ErrorObserver } from '../../nest/errors/error.observer.js';
import type {
  ErrorPolicy,
  IpcBackplane,
  IpcIdentity,
  IpcLimits,
  OriginOptions,
  RoomPolicy,
} from '@linnet/common';

/**
 * Decides who may open a session, before there is one.
 *
 * @param request the upgrade request
 * @param ticket whom the ticket in its URL was issued to, where there is a valid one
 * @returns who it is; `true` for somebody without a name; nothing or `false` refuses with 403. Throw an
 * `HttpException` for another status and a reason of your own.
 */
export type IpcAuthorize = (
  request: IncomingMessage,
  ticket: IpcIdentity | undefined,
) => IpcIdentity | boolean | undefined | Promise<IpcIdentity | boolean | undefined>;

/** Where tickets are kept until they are used; one that several servers share lets any of them take a ticket. */
export interface IpcTicketStore {
  /**
   * Keeps a ticket.
   *
   * @param lifeMs after which it is worth nothing, in milliseconds
   */
  put(ticket: string, identity: IpcIdentity, lifeMs: number): void | Promise<void>;
  /** Takes a ticket out, so that nobody else can; `undefined` for one that is not (any more) there. */
  take(ticket: string): IpcIdentity | undefined | Promise<IpcIdentity | undefined>;
}

/** Options of `IpcModule`. */
export interface IpcModuleOptions extends OriginOptions, Omit<ErrorPolicy, 'mapError'>, ErrorObserver {
  /** Where frontends connect. Default `/ipc`, or `/` with `mobile`; the application's global prefix does not count. */
  path?: string;
  /** Decides who may open a session. Default: everybody whom origin, host, ticket and guards let through. */
  authorize?: IpcAuthorize;
  /** Guards of the upgrade request (context type `http`); classes are resolved as providers. */
  guards?: readonly (Type<CanActivate> | CanActivate)[];
  /**
   * Names a user, where users share what the server has for all (memory, sessions, connections that are being made), and
   * who has most gives way. It has to be equal for all connections of one user. Default: the user as JSON, without what
   * differs from token to token (`iat`, `exp`, `jti` and the like). A frontend without a user counts by its address.
   */
  userKey?: (user: unknown) => string;
  /** Decides which sessions may join rooms. Default: those that the application adds. */
  rooms?: RoomPolicy;
  /**
   * Connects the nodes of the application, so that rooms, users, presence, sessions and tickets are those of all nodes. Default:
   * this process is the only node.
   */
  backplane?: IpcBackplane;
  /**
   * Whether the backplane holds a copy of each session, so that another node goes on with it when its node dies. Every message waits for
   * the copy. Default `false`: sessions die with their node.
   */
  replicate?: boolean;
  /** One frontend and no other: see `IpcHost.bindLifetime`. Default `false`. */
  dedicated?: boolean;
  /**
   * Frontend and backend are on one computer: upgrades that do not come over loopback are refused with 403, whatever the
   * server listens on, and both sides know (`isNative`). Default `false`.
   */
  native?: boolean;
  /**
   * Frontends without a subprotocol speak the wire of `@itwin/core-mobile` (`MobileApp`), in the place of the compatible one.
   * Default `false`.
   */
  mobile?: boolean;
  /** How long the frontend of a dedicated backend may be away, in milliseconds. Default 5,000. */
  frontendGraceMs?: number;
  /** Called when the frontend of a dedicated backend is gone for good. */
  onFrontendGone?: () => void;
  /** Only methods with `@IpcMethod()` can be called, on every channel. Default `false`. */
  requireIpcMethod?: boolean;
  /** How long a frontend may take to answer a call from this backend, in milliseconds. Default 30,000; 0: for ever. */
  invokeTimeoutMs?: number;
  /** A frontend that gave no sign of life for two such intervals, in milliseconds, is gone. Default 30,000. */
  heartbeatMs?: number;
  /**
   * How long a session waits for a frontend of ours to come back over a new connection, in milliseconds. Default 30,000;
   * 0: not at all. Sessions of iTwin.js frontends end with their connection.
   */
  resumeGraceMs?: number;
  /** How long a ticket is valid, in milliseconds. Default 30,000. */
  ticketMs?: number;
  /** Where tickets are kept. Default: the backplane, or else the memory of this process. */
  ticketStore?: IpcTicketStore;
  /** How long calls in flight may take when a session or the application ends, in milliseconds. Default 10,000. */
  shutdownTimeoutMs?: number;
  /** How much a frontend may send and leave waiting. Missing members have the value of `defaultIpcLimits`. */
  limits?: Partial<IpcLimits>;
}
