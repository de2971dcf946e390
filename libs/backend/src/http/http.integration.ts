import type { Logger } from '@nestjs/common';
import type { BuiltinEndpoints } from '@linnet/common/internal';
import type { NodeRpcServer } from '../node/http/node.server.js';

/** What an HTTP framework has guards and filters see. */
export interface HttpFramework {
  /** Makes the messages of a request what the framework's own handlers would see. */
  prepare(request: unknown, response: unknown): void;
  /** Whether the framework's response has been given an answer. */
  isAnswered(response: unknown): boolean;
  /** Readies a response for a filter that may answer: with headers (names and values in turn) of every answer. */
  beforeFilter(response: unknown, headers: readonly string[]): void;
}

/** What a way into an application needs to know. */
export interface HttpMount {
  readonly server: NodeRpcServer;
  readonly logger: Logger;
  readonly services: BuiltinEndpoints;
}

/** RPC's way into an application: begun as soon as there is an adapter, finished when all is known. */
export interface HttpIntegration extends HttpFramework {
  attach(way: HttpMount): void;
}
