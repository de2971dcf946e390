// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- applications compile this file without the others
/// <reference path="./microservices.d.ts" />

/** As of `WsException` and `RpcException`: what it was made of, a text or an object. */
export interface MessageException extends Error {
  getError(): string | object;
}

type ExceptionClass = abstract new (...args: never[]) => MessageException;

/** The classes, as far as their packages are installed, and what they are called, also where a minifier has renamed them. */
const names = new Map<ExceptionClass, string>();

/**
 * Finds the classes of the exceptions that Nest has for messages. Their packages are optional: of each only the file of the
 * class is loaded, which an application that throws it has loaded.
 */
async function loadMessageExceptions(): Promise<ReadonlyMap<ExceptionClass, string>> {
  // Each by a path of its own that bundlers read; one that is not there is left out.
  const [websockets, microservices] = await Promise.all([
    import('@nestjs/websockets/errors/ws-exception.js').catch(() => undefined),
    import('@nestjs/microservices/exceptions/rpc-exception.js').catch(() => undefined),
  ]);
  if (websockets) names.set(websockets.WsException, 'WsException');
  if (microservices) names.set(microservices.RpcException, 'RpcException');
  return names;
}

/** Has them found before anything is called. */
export const messageExceptions = {
  provide: Symbol('linnet:message-exceptions'),
  useFactory: loadMessageExceptions,
};

/** Whether an error is an exception for messages: one of Nest's classes, or of a class that extends it. */
export function isMessageException(error: unknown): error is MessageException {
  for (const type of names.keys()) if (error instanceof type) return true;
  return false;
}

/** The name of one of Nest's own classes; `undefined` for others. */
export function messageExceptionName(type: unknown): string | undefined {
  return names.get(type as ExceptionClass);
}
