import type { Difference } from '../tables/compare.js';

const json = { 'content-type': 'application/json; charset=utf-8' };
const refused = (text: string) =>
  JSON.stringify({ message: `Error: Invalid request: ${text}`, isError: true });
const noList =
  '{"message":"Invalid request: the body is no list of arguments.","errorNumber":32768,"name":"Error","isError":true}';

/** Pages ask for calls; what the service endpoints say, CORS included, is up to the application. */
const noCors = {
  'access-control-allow-origin': null,
  'access-control-allow-methods': null,
  'access-control-allow-headers': null,
};

/** Where we answer the hand-made requests otherwise than the reference, by vector. */
export const rawDifferences: Record<string, Difference> = {
  R10: { reason: 'a refusal is JSON and says so', headers: json },
  R11: { reason: 'a refusal is JSON and says so', headers: json },
  R12: {
    reason: 'the text names the fault, not a line of code',
    headers: json,
    body: refused('The path names no operation.'),
  },
  'R15-0': { reason: 'the text names the fault, not a line of code', body: noList },
  'R15-1': { reason: 'the text names the fault, not a line of code', body: noList },
  'R15-2': { reason: 'the text names the fault, not a line of code', body: noList },
  'R15-3': {
    reason: 'text is no list of arguments, and is not spread into letters',
    status: 500,
    body: noList,
  },
  R16: { reason: 'the text names the fault, not a line of code', body: noList },
  R19: {
    reason: 'a name that is not declared, like any other',
    body: '{"message":"RPC interface class \\"ConfEcho\\" does not does not declare operation \\"constructor\\"","errorNumber":32768,"name":"Error","isError":true}',
  },
  R28: { reason: 'thrown is thrown: 200 would make the error a result', status: 500 },
  R29: { reason: 'thrown is thrown: 202 without an envelope means nothing', status: 500 },
  R30: {
    reason: 'thrown is thrown: 204 would lose the message',
    status: 500,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: '{"message":"g","errorNumber":65570,"name":"No Geometry","isError":true}',
  },
  R36: { reason: 'a preflight has no use for a page', headers: { 'content-type': null }, body: '' },
  R37: {
    reason: 'text is text; no page asks for it',
    headers: { ...noCors, 'content-type': 'text/plain; charset=utf-8' },
  },
  R38: { reason: 'no page asks for it', headers: noCors },
  R39: {
    reason: 'a content type that carries no call is refused as such',
    status: 415,
    headers: { ...json, 'x-protocol-version': null },
    body: refused(
      'content type "application/json" carries no call; use text/plain, application/octet-stream or multipart/form-data.',
    ),
  },
  R40: {
    reason: 'a refusal is JSON and says so',
    headers: json,
    body: refused('The content type has no boundary.'),
  },
  R41: {
    reason: 'what is to be repeated says why',
    body: '{"message":"later","status":503,"retryAfter":"7","name":"TransientError","isError":true}',
  },
  R43: {
    reason: 'an answer may be kept only where the operation allows it',
    headers: { 'cache-control': null, 'content-length': '4' },
  },
};
