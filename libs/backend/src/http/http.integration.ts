import type { Logger } from '@nestjs/common';
import type { HttpRpcService } from '@linnet/common/internal';
import type { NodeRpcServer } from '../node/http/node.server.js';

/** The request and response that guards and filters see. */
export interface HttpFramework {
  /** Makes the messages of a request what the framework's own handlers would see. */
  prepare(request: unknown, response: unknown): void;
  /** Whether the framework's response has been given an answer. */
  isAnswered(response: unknown): boolean;
  /** Readies a response for a filter that may answer: with headers (names and values in turn) of every answer. */
  beforeFilter(response: unknown, headers: readonly string[]): void;
}

/** The server that is mounted, and its surroundings. */
export interface HttpMount {
  readonly server: NodeRpcServer;
  readonly logger: Logger;
  readonly service: HttpRpcService;
}

/** Mounts RPC in the HTTP server of an application: begun as soon as there is an adapter, finished by `attach`. */
export interface HttpIntegration extends HttpFramework {
  attach(way: HttpMount): void;
}
