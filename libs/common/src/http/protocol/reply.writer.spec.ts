import { describe, expect, it } from '@jest/globals';
import { RpcNotFoundResponse } from '../../error/control.response.js';
import { IModelError, NoContentError, TransientError } from '../../error/imodel.error.js';
import type { ErrorPolicy } from '../../error/error.codec.js';
import { encodeOutcome } from './reply.writer.js';

const TEXT = 'text/plain; charset=utf-8';
const activity = { activityId: 'id', rpcMethod: 'I.op' };
type Outcome = Parameters<typeof encodeOutcome>[0];
const encode = (outcome: Outcome, protocolVersion = 2, policy: ErrorPolicy = {}) =>
  encodeOutcome(outcome, protocolVersion, activity, policy);
const bodyOf = (outcome: Outcome, protocolVersion = 2) =>
  JSON.parse(encode(outcome, protocolVersion).body as string) as unknown;

describe('a result', () => {
  it.each([
    ['a value', { a: 1 }, '{"a":1}'],
    ['a text', 'x', '"x"'],
    ['nothing', undefined, ''],
  ])('is JSON text: %s', (_name, value, body) => {
    expect(encode({ kind: 'result', value })).toEqual({ status: 200, contentType: TEXT, body });
  });

  it('is bytes if it is one array', () => {
    const value = Uint8Array.of(1);
    expect(encode({ kind: 'result', value })).toEqual({
      status: 200,
      contentType: 'application/octet-stream',
      body: value,
    });
  });

  it('is multipart if it has arrays', () => {
    const { status, contentType, body } = encode({ kind: 'result', value: [Uint8Array.of(1)] });
    expect(status).toBe(200);
    expect(contentType).toMatch(/^multipart\/form-data; boundary=linnet-./);
    expect(body).toContainEqual(Uint8Array.of(1));
  });

  it('that cannot be written is an error of the operation', () => {
    const { status, body } = encode({ kind: 'result', value: 1n });
    expect(status).toBe(500);
    expect(JSON.parse(body as string)).toMatchObject({ message: expect.stringMatching(/I\.op.*BigInt/) });
  });
});

describe('an outcome without a result', () => {
  const noContent: Outcome = { kind: 'noContent', error: new NoContentError() };
  const response = Object.assign(new RpcNotFoundResponse(), { what: 'shelf' });

  it('has no content from protocol 1 on', () => {
    for (const version of [1, 2])
      expect(encode(noContent, version)).toEqual({ status: 204, contentType: undefined, body: '' });
    expect(encode(noContent, 0)).toMatchObject({ status: 500, contentType: TEXT });
    expect(bodyOf(noContent, 0)).toMatchObject({ errorNumber: 65604 });
  });

  it('that is pending has its message, in an envelope from protocol 2 on', () => {
    const pending: Outcome = { kind: 'pending', message: 'half' };
    for (const version of [0, 1])
      expect(encode(pending, version)).toEqual({ status: 202, contentType: TEXT, body: 'half' });
    expect(encode(pending)).toMatchObject({ status: 202, contentType: TEXT });
    expect(bodyOf(pending)).toEqual({
      iTwinRpcCoreResponse: true,
      managedStatus: 'pending',
      responseValue: 'half',
    });
  });

  it('that was not found has the response, in an envelope from protocol 2 on', () => {
    const notFound: Outcome = { kind: 'notFound', response };
    const responseValue = '{"message":"Not found","what":"shelf"}';
    expect(encode(notFound, 1)).toEqual({ status: 404, contentType: TEXT, body: responseValue });
    expect(encode(notFound).status).toBe(404);
    expect(bodyOf(notFound)).toEqual({
      iTwinRpcCoreResponse: true,
      managedStatus: 'notFound',
      responseValue,
    });
  });
});

describe('an error', () => {
  const error = (thrown: unknown): Outcome => ({ kind: 'error', error: thrown });

  it('has the status of its category from protocol 2 on', () => {
    const missing = error(new IModelError(65574, 'gone'));
    expect([0, 1, 2].map((version) => encode(missing, version).status)).toEqual([500, 500, 404]);
    expect(bodyOf(missing)).toMatchObject({ message: 'gone', errorNumber: 65574 });
  });

  it('that is transient has its status and its time in every protocol', () => {
    const busy = error(new TransientError('later', 429, 3));
    for (const version of [0, 1, 2])
      expect(encode(busy, version)).toMatchObject({ status: 429, retryAfter: 3 });
  });

  it('is reported with what was thrown, and with what the caller sees', () => {
    const thrown = new TypeError('secret');
    expect(encode(error(thrown))).toMatchObject({ thrown, error: { internal: true } });
    expect(bodyOf(error(thrown))).toMatchObject({ message: 'Internal error', activityId: 'id' });
  });

  it('that cannot be written keeps its primitive members', () => {
    const thrown = Object.assign(new IModelError(7, 'm'), { map: new Map([[1, 1]]), count: 5 });
    const { status, contentType, body } = encode(error(thrown));
    expect({ status, contentType }).toEqual({ status: 500, contentType: TEXT });
    expect(JSON.parse(body as string)).toEqual({
      isError: true,
      name: expect.any(String),
      message: 'm',
      errorNumber: 7,
      count: 5,
    });
  });
});
