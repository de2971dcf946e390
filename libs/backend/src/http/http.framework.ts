import type { Logger } from '@nestjs/common';
import type { NodeRpcServer } from '../node/node.server.js';

/** What an HTTP framework has guards and filters see. */
export interface HttpFramework {
  /** Makes the messages of a request what the framework's own handlers would see. */
  prepare(request: unknown, response: unknown): void;
  /** Whether the framework's response has been given an answer. */
  isAnswered(response: unknown): boolean;
  /** Readies a response for a filter that may answer: with headers (names and values in turn) of every answer. */
  beforeFilter(response: unknown, headers: readonly string[]): void;
}

/** What is served beside the calls themselves. */
export interface ServiceEndpoints {
  /** What stands before their paths: empty, or `/api`. */
  readonly prefix: string;
  readonly ping: boolean;
  readonly greeting: boolean;
  /** Makes the OpenAPI document; `undefined` where none is to be had. */
  readonly openApi: (() => object) | undefined;
}

/** What a way into an application needs to know. */
export interface HttpWay {
  readonly server: NodeRpcServer;
  readonly logger: Logger;
  readonly services: ServiceEndpoints;
}

/** RPC's way into an application: begun as soon as there is an adapter, finished when all is known. */
export interface HttpAttachment extends HttpFramework {
  attach(way: HttpWay): void;
}

/** The answer of a service endpoint (WIRE 2.9), if the path is one. */
export function serviceAnswer(
  services: ServiceEndpoints,
  method: string,
  path: string,
): { type: string; text: string } | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const { prefix } = services;
  if (services.ping && path === `${prefix}/ping`)
    return { type: 'text/plain; charset=utf-8', text: 'Success' };
  if (services.openApi && path === `${prefix}/v3/swagger.json`)
    return { type: 'application/json; charset=utf-8', text: JSON.stringify(services.openApi()) };
  if (services.greeting) return { type: 'text/html; charset=utf-8', text: '<h1>IModelJs RPC Server</h1>' };
  return undefined;
}
