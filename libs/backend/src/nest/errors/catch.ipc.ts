const ON_IPC = Symbol.for('@linnet/backend/CatchIpc');

/**
 * Class decorator of global exception filters: they also run for calls over IPC. Other global filters do not run there,
 * because they expect requests. Anything they write to the response is dropped: the caller gets the error.
 *
 * A filter of a library is marked by a class that extends it, or by `CatchIpc()(LibraryFilter)`.
 */
export function CatchIpc(): ClassDecorator {
  return (target) => {
    Object.defineProperty(target.prototype, ON_IPC, { value: true, configurable: true });
  };
}

/** @param filter an instance, or the prototype of its class */
export function catchesIpc(filter: unknown): boolean {
  return typeof filter === 'object' && filter !== null && ON_IPC in filter;
}
