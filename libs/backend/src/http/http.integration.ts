import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from '@nestjs/common';
import type { HttpRpcService } from '@linnet/common/internal';
import type { NodeRpcServer } from '../node/http/node.server.js';

/** The RPC server of an application, and the parts that an integration needs to mount it. */
export interface HttpMount {
  readonly server: NodeRpcServer;
  readonly logger: Logger;
  readonly service: HttpRpcService;
  /** The guard of documents, by the paths that it guards. */
  readonly guards?: ReadonlyMap<string, HttpGuard> | undefined;
}

/** Decides who may read a document. */
export interface HttpGuard {
  /** @throws HttpException, or another error, if the request is refused (rejection) */
  admit(request: { headers: IncomingHttpHeaders }, response: unknown): Promise<void>;
}

/** Mounts RPC in Express or in Fastify, and prepares the request and response that guards and filters receive. */
export interface HttpIntegration {
  /** Mounts the server. An integration is created as soon as there is an adapter, and mounts when all modules exist. */
  attach(mount: HttpMount): void;
  /** Gives a request and a response the members that handlers of the framework expect. */
  prepare(request: unknown, response: unknown): void;
  /** Whether the framework's response has been answered. */
  isAnswered(response: unknown): boolean;
  /** Sets headers of every answer, as names and values in turn, before an exception filter answers. */
  beforeFilter(response: unknown, headers: readonly string[]): void;
}
