import { MessageResponse } from '../message/message.response.js';

type Members = Record<PropertyKey, unknown>;

/**
 * Stands for the response of a request for a filter that may look at an error and is not to answer it: reads as the
 * response does, and what is written goes nowhere.
 */
export function silentResponse(response: object, request: object): MessageResponse {
  const silent = new MessageResponse(request);
  const { statusCode, locals, getHeaders } = response as Partial<MessageResponse>;
  silent.statusCode = statusCode ?? 200;
  if (locals) silent.locals = locals;
  if (getHeaders)
    for (const [name, value] of Object.entries(getHeaders.call(response as MessageResponse)))
      if (value !== undefined) silent.setHeader(name, value);
  const proxy: MessageResponse = new Proxy(silent, {
    get(target, name, receiver) {
      if (name in target) return Reflect.get(target, name, receiver) as unknown;
      // A reply of Fastify can be awaited; this one is as it is.
      const value = name === 'then' ? undefined : (response as Members)[name];
      // Other ways to answer: they go nowhere as well.
      return typeof value === 'function' ? () => proxy : value;
    },
  });
  return proxy;
}
