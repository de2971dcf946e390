import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IModelError, TransientError } from '../../error/imodel.error.js';
import type { RpcCall } from '../../rpc/server/call.js';
import { RpcOperation } from '../../rpc/definition/decorator.js';
import { RpcInterface } from '../../rpc/definition/interface.js';
import { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import { RpcPendingResponse } from '../../error/control.response.js';
import { defaultWireLimits } from '../../base/limits.js';
import { HttpCall } from '../call/http.call.js';
import { HttpRpcHandler } from './handler.js';
import type { HttpResponse } from '../protocol/message.js';
import type { CallReport } from '../../call/call.report.js';
import type { HttpHandlerOptions } from '../call/options.js';

class Def extends RpcInterface {
  static interfaceName = 'I';
  static interfaceVersion = '1.0.0';
  op() {}
  @RpcOperation({ allowResponseCaching: true })
  cached() {}
  @RpcOperation({ stream: true, idempotency: 'safe' })
  items() {}
}

const path = '/t/v1/mode/1/context/T/imodel/M/changeset/C/I-1.0.0-';
const reports: CallReport[] = [];

function handlerWith(
  answer: (call: RpcCall) => unknown,
  options: Partial<HttpHandlerOptions> = {},
): HttpRpcHandler {
  const dispatcher = new RpcDispatcher({ waitingCalls: 10 });
  dispatcher.register(Def, { name: 'Impl', handlerOf: () => answer });
  reports.length = 0;
  const report = (each: CallReport) => void reports.push(each);
  return new HttpRpcHandler(dispatcher, { limits: defaultWireLimits, report, ...options });
}

interface Message {
  method?: string;
  target?: string;
  headers?: Record<string, string>;
  body?: readonly Uint8Array[];
}

/** Does what a platform does. */
async function ask(handler: HttpRpcHandler, message: Message = {}): Promise<HttpResponse> {
  const { method = 'POST', target = `${path}op`, headers = {}, body = [Buffer.from('[]')] } = message;
  const all = {
    'content-type': 'text/plain',
    'x-correlation-id': 'id',
    'x-protocol-version': '2',
    ...headers,
  };
  const opened = handler.open({ method, target, headers: all, isLoopback: () => true });
  if (!(opened instanceof HttpCall)) return opened;
  for (const chunk of body) {
    const refusal = opened.push(chunk);
    if (refusal) return refusal;
  }
  return new Promise((resolve) => opened.respond({}, (response) => resolve(response!)));
}

const headerOf = ({ headers }: HttpResponse, name: string) =>
  headers.find((_, i) => i % 2 === 1 && headers[i - 1]!.toLowerCase() === name);

describe('any HTTP request', () => {
  const token = fc.constantFrom(
    'I',
    'mode',
    'imodel',
    '-',
    '1.0.0',
    'op',
    'cached',
    'CONTROL',
    '?parameters=',
    'W10=',
    '%',
  );
  const piece = fc.oneof(token, fc.string({ maxLength: 4 }));
  const target = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`);
  const body = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom('[', ']', '{"isBinary":true', '--b', '\r\n', 'name="objects"', '"', ':')
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 12 },
  );
  const headers = fc.record(
    {
      'content-type': fc.oneof(
        fc.constantFrom(
          'application/octet-stream',
          'multipart/form-data; boundary=b',
          'text/plain; charset=utf-8',
        ),
        fc.string(),
      ),
      'x-correlation-id': fc.string(),
      'x-protocol-version': fc.string(),
      'accept-encoding': fc.string(),
      'content-length': fc.string(),
      origin: fc.string(),
      host: fc.string(),
    },
    { requiredKeys: [] },
  );

  it('gets one reply with a known status and valid headers', async () => {
    const handler = handlerWith(({ arguments: args }) => args);
    const method = fc.constantFrom('POST', 'GET', 'HEAD', 'OPTIONS');
    const goodTarget = fc.constantFrom(`${path}op`, `${path}cached`, `${path}cached?parameters=W10%3D`);
    await fc.assert(
      fc.asyncProperty(
        method,
        fc.oneof(target, goodTarget),
        headers,
        body,
        async (method, target, headers, body) => {
          expect(typeof handler.owns(method, target)).toBe('boolean');
          const answer = await ask(handler, {
            method,
            target,
            headers,
            body,
          });
          expect([200, 400, 403, 405, 413, 415, 500]).toContain(answer.status);
          expect(answer.headers.length % 2).toBe(0);
          expect(answer.headers.every((text) => typeof text === 'string')).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('an error over HTTP', () => {
  const statuses = async (thrown: unknown, options: Partial<HttpHandlerOptions>, headers = {}) => {
    const handler = handlerWith(() => Promise.reject(thrown), options);
    return (await ask(handler, { headers })).status;
  };

  it('has the status of its category, or a status whose body the iTwin.js client reads', async () => {
    const badRequest = new IModelError(65542, 'm');
    const readable = { errorStatus: 'readable' } as const;
    expect(await statuses(badRequest, {})).toBe(400);
    expect(await statuses(badRequest, readable)).toBe(500);
    expect(await statuses(badRequest, readable, { 'x-linnet-client': '1' })).toBe(400);
    expect(await statuses(new IModelError(65574, 'm'), readable)).toBe(404);
    expect(await statuses(new TransientError('m', 429), readable)).toBe(429);
    expect(await statuses(badRequest, {}, { 'x-protocol-version': '1' })).toBe(500);
  });

  it('is reported with the thrown value', async () => {
    const error = new SyntaxError('secret');
    await ask(handlerWith(() => Promise.reject(error)));
    expect(reports).toEqual([expect.objectContaining({ kind: 'error', thrown: error })]);
    expect(reports[0]).toHaveProperty('error.internal', true);
  });

  it('answers a result that cannot be sent', async () => {
    const answer = await ask(handlerWith(() => 1n));
    expect(answer).toMatchObject({ status: 500, body: expect.stringContaining('value is a BigInt') });
  });
});

describe('a call over HTTP', () => {
  it('has the arguments and the activity of the request', async () => {
    let call: RpcCall | undefined;
    const headers = {
      'x-application-id': 'a',
      'x-application-version': 'v',
      'x-session-id': 's',
      authorization: 'Bearer x',
    };
    await ask(
      handlerWith((each) => (call = each) && undefined),
      { headers, body: [Buffer.from('[1]')] },
    );
    expect(call!.arguments).toEqual([1]);
    expect(call!.activity).toMatchObject({
      activityId: 'id',
      applicationId: 'a',
      applicationVersion: 'v',
      sessionId: 's',
      accessToken: 'Bearer x',
      rpcMethod: 'op',
    });
    expect(call!.transport).toMatchObject({
      kind: 'http',
      method: 'POST',
      path: `${path}op`,
      protocolVersion: 2,
    });
  });

  it('is corrected or refused if its token differs from its path', async () => {
    const body = [Buffer.from('[{"key":"k","iTwinId":"T","iModelId":"other"}]')];
    const echo = ({ arguments: [token] }: RpcCall) => token;
    const corrected = await ask(handlerWith(echo), { body });
    expect(JSON.parse(corrected.body as string)).toMatchObject({ iModelId: 'M' });
    expect(reports).toEqual([expect.objectContaining({ kind: 'warning' })]);
    const refused = await ask(handlerWith(echo, { throwOnTokenMismatch: true }), { body });
    expect(refused).toMatchObject({
      status: 500,
      body: expect.stringContaining('IModelRpcProps mismatch detected'),
    });
  });

  it('is served if its token has no key', async () => {
    const body = [Buffer.from('[{"iTwinId":"T","iModelId":"M"}]')];
    const echo = ({ arguments: [token] }: RpcCall) => token;
    const served = await ask(handlerWith(echo, { throwOnTokenMismatch: true }), { body });
    expect(JSON.parse(served.body as string)).toMatchObject({ key: 'M:C', iTwinId: 'T', iModelId: 'M' });
    expect(reports).toEqual([]);
  });

  it('can come by GET if its operation may be cached, or if anyGet is set', async () => {
    const get = (operation: string, options?: Partial<HttpHandlerOptions>) =>
      ask(
        handlerWith(() => 1, options),
        { method: 'GET', target: `${path}${operation}?parameters=W10%3D` },
      );
    const cached = await get('cached');
    expect([cached.status, headerOf(cached, 'cache-control')]).toEqual([
      200,
      's-maxage=86400, max-age=172800, immutable',
    ]);
    const refused = await get('op');
    expect([refused.status, headerOf(refused, 'allow')]).toEqual([405, 'POST']);
    const served = await get('op', { anyGet: true });
    expect([served.status, headerOf(served, 'cache-control')]).toEqual([200, undefined]);
  });

  it.each([
    ['POST', 'op', {}, 400],
    ['POST', 'nope', {}, 400],
    ['GET', 'op', {}, 400],
    ['HEAD', 'items', {}, 400],
    ['POST', 'items', {}, 200],
    ['POST', 'items', { 'sec-fetch-site': 'none' }, 200],
    ['POST', 'items', { 'sec-fetch-site': 'same-origin' }, 200],
    ['POST', 'items', { 'sec-fetch-site': 'same-site' }, 400],
    ['POST', 'items', { 'sec-fetch-site': 'cross-site' }, 400],
    ['POST', 'items', { origin: 'http://localhost' }, 400],
    ['GET', 'items', { 'sec-fetch-site': 'same-origin' }, 200],
    ['GET', 'items', { 'sec-fetch-site': 'cross-site' }, 400],
    ['GET', 'items', { 'sec-fetch-site': 'cross-site', origin: 'http://localhost' }, 200],
  ])('needs no activity id for events only if no page can forge it: %s %s %j', async (...row) => {
    const [method, operation, more, expected] = row;
    const handler = handlerWith(
      async function* () {
        yield 1;
      },
      { anyGet: true },
    );
    const headers: Record<string, string> = { host: 'localhost', accept: 'text/event-stream', ...more };
    const target = `${path}${operation}?parameters=W10%3D`;
    const { status, stream } = await ask(handler, {
      method,
      target: method === 'POST' ? `${path}${operation}` : target,
      headers: { 'x-correlation-id': '', ...headers },
    });
    await stream?.return();
    expect(status).toBe(expected);
  });

  it('of a page may ask for progress', async () => {
    const headers = { origin: 'http://localhost', host: 'localhost' };
    const response = await ask(
      handlerWith(() => 1),
      { method: 'OPTIONS', headers },
    );
    expect(headerOf(response, 'access-control-allow-headers')).toContain('X-Linnet-Progress');
  });

  it('can be answered as pending behind a report of progress', async () => {
    const handler = handlerWith(({ activity }) => {
      activity.report(1);
      throw new RpcPendingResponse('m');
    });
    const headers = { 'x-linnet-progress': '1', accept: 'application/vnd.linnet.stream' };
    const { body } = await ask(handler, { headers });
    const text = new TextDecoder().decode(body as Uint8Array);
    const envelope = '{"iTwinRpcCoreResponse":true,"managedStatus":"pending","responseValue":"m"}';
    expect(text).toBe(
      `\u0006\u0001\0\0\u00001\u0005${String.fromCodePoint(envelope.length)}\0\0\0${envelope}`,
    );
    expect(reports).toEqual([]);
  });

  it('is answered as pending by the protocol of the client', async () => {
    const handler = handlerWith(() => Promise.reject(new RpcPendingResponse('m')));
    expect((await ask(handler)).body).toBe(
      '{"iTwinRpcCoreResponse":true,"managedStatus":"pending","responseValue":"m"}',
    );
    expect((await ask(handler, { headers: { 'x-protocol-version': '1' } })).body).toBe('m');
  });

  it('warns in development mode about values that are lost', async () => {
    await ask(handlerWith(() => ({ a: [NaN], f: () => 1 }), { developmentMode: true }));
    expect(reports.map((report) => (report as { message: string }).message)).toEqual([
      expect.stringContaining('value.a[0] is NaN'),
      expect.stringContaining('value.f is a function'),
    ]);
  });

  it('is answered in development mode if the inspection of the result throws', async () => {
    let reads = 0;
    let most = Infinity;
    const value = {
      get x() {
        if (++reads > most) throw new Error('read once too often');
        return 1;
      },
    };
    await ask(handlerWith(() => value));
    [most, reads] = [reads, 0];
    const { status, body } = await ask(handlerWith(() => value, { developmentMode: true }));
    expect([status, body, reports]).toEqual([200, '{"x":1}', []]);
    expect(reads).toBe(most + 1);
  });

  it('can have a body of the usual size if its interface is not known', async () => {
    const handler = handlerWith(() => 1, {
      limits: { ...defaultWireLimits, bodyBytes: 10, multipartBytes: 100 },
    });
    const unknown = (type: string) =>
      ask(handler, { target: `${path}nope`, headers: { 'content-type': type }, body: [new Uint8Array(50)] });
    expect((await unknown('multipart/form-data; boundary=b')).status).toBe(500);
    expect((await unknown('text/plain')).status).toBe(413);
  });
});

describe('an HTTP handler that is closing', () => {
  it('refuses new calls, and finishes running calls', async () => {
    let release!: (value: unknown) => void;
    const handler = handlerWith(() => new Promise((resolve) => (release = resolve)));
    const running = ask(handler);
    handler.closing = true;
    const refused = await ask(handler);
    expect([refused.status, headerOf(refused, 'retry-after')]).toEqual([503, '1']);
    release('done');
    expect((await running).body).toBe('"done"');
  });
});
