// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- applications compile this file without the others
/// <reference path="./microservices.d.ts" />

/** The member that `WsException` and `RpcException` have in common: it returns the text or object that they were made of. */
export interface MessageException extends Error {
  getError(): string | object;
}

type ExceptionClass = abstract new (...args: never[]) => MessageException;

/** The classes whose packages are installed, and their names, which a minifier may have changed. */
const names = new Map<ExceptionClass, string>();

/**
 * Finds the classes of the exceptions that Nest 12.5.1 has for messages. Their packages are optional. Only the file of the
 * class is loaded, because the whole package would load its own optional packages; an application that throws the exception
 * has loaded the file.
 */
async function loadMessageExceptions(): Promise<ReadonlyMap<ExceptionClass, string>> {
  // Two literal paths, which bundlers can read. A package that is not installed is left out.
  const [websockets, microservices] = await Promise.all([
    import('@nestjs/websockets/errors/ws-exception.js').catch(() => undefined),
    import('@nestjs/microservices/exceptions/rpc-exception.js').catch(() => undefined),
  ]);
  if (websockets) names.set(websockets.WsException, 'WsException');
  if (microservices) names.set(microservices.RpcException, 'RpcException');
  return names;
}

/** A provider that finds the classes before the first call. */
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
