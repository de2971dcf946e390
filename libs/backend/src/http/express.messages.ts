import type { ExpressApplication, ExpressRequest, ExpressResponse } from './express.middleware.js';

const noNext = () => undefined;

/** Makes Node's messages what Express's handlers would see: does what `app.handle` and the router would have done. */
export function prepareMessages(
  app: ExpressApplication,
  request: ExpressRequest,
  response: ExpressResponse,
): void {
  if (request.res) return;
  request.res = response;
  response.req = request;
  if (Object.getPrototypeOf(request) !== app.request) Object.setPrototypeOf(request, app.request);
  if (Object.getPrototypeOf(response) !== app.response) Object.setPrototypeOf(response, app.response);
  response.locals ??= Object.create(null) as Record<string, unknown>;
  request.originalUrl ??= request.url!;
  request.baseUrl = '';
  request.params = {};
  request.next = noNext;
}
