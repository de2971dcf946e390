import type { INestApplicationContext } from '@nestjs/common';
import type { JsonObject } from '@linnet/common/contract';
import { RpcServer } from './rpc.server.js';

/** The part of an OpenAPI document that is merged, as `SwaggerModule.createDocument` returns it. */
export interface LinnetDocumentBase {
  /** Operations by their paths. */
  paths?: object;
  /** Tags of operations. */
  tags?: object[];
  /** Schemas and other shared parts. */
  components?: object;
}

/**
 * Merges the RPC operations of an application into an OpenAPI document, for instance into that of its controllers:
 *
 * ```ts
 * SwaggerModule.setup('api', app, () => linnetDocument(app, SwaggerModule.createDocument(app, config)));
 * ```
 *
 * @param document is not changed; without it, the result has only the RPC operations
 * @returns an OpenAPI 3.1 document
 * @throws Error if `RpcModule` has no option `docs`, or the application is not initialized
 */
export function linnetDocument<T extends LinnetDocumentBase = LinnetDocumentBase>(
  app: INestApplicationContext,
  document?: T,
): T {
  const { documents } = app.get(RpcServer, { strict: false });
  if (!documents)
    throw new Error(
      'There are no documents of RPC: set RpcModule.forRoot({ docs: { contract } }), and initialize the application.',
    );
  const own = documents.openApi() as JsonObject & Required<LinnetDocumentBase>;
  const parts = (document?.components ?? {}) as Record<string, object>;
  const components = Object.entries(own.components as Record<string, object>).map(([name, members]) => [
    name,
    // The application's own schema of a name stays.
    { ...members, ...parts[name] },
  ]);
  const merged: LinnetDocumentBase & JsonObject = {
    ...own,
    ...document,
    openapi: own['openapi'],
    paths: { ...own.paths, ...document?.paths },
    tags: [...(document?.tags ?? []), ...own.tags],
    components: { ...parts, ...Object.fromEntries(components) },
  };
  return merged as LinnetDocumentBase as T;
}
