import { RpcInterface } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';
import type { Sent } from '../../../harness/nest.harness.js';

@RpcInterface(definitionOf('Answers', 'go', 'fail'))
class AnswersImpl {
  async go() {
    return 1;
  }
  async fail() {
    throw new Error('failed');
  }
}

const pass = (_request: unknown, _response: unknown, next: () => void) => next();

afterEach(closeApps);

describe.each([
  ['the stock Express adapter', () => new ExpressAdapter()],
  ['LinnetExpressAdapter', () => new LinnetExpressAdapter()],
])('calls through middleware and direct calls of %s have the same answer headers', (_name, adapter) => {
  const start = (configure: (app: NestExpressApplication) => unknown) =>
    startApp({
      way: { adapter },
      providers: [AnswersImpl],
      configure: (app) => configure(app as NestExpressApplication),
    });

  it.each<[string, Record<string, string>, (app: NestExpressApplication) => unknown]>([
    // Headers that name Express do not count here.
    ['by default, except x-powered-by', { 'x-powered-by': '' }, () => undefined],
    ['with x-powered-by disabled', {}, (app) => app.disable('x-powered-by')],
  ])('%s', async (_how, apart, configure) => {
    const direct = await start(configure);
    const through = await start((app) => {
      configure(app);
      app.use(pass);
    });
    const requests: Sent[] = [
      { target: '/Answers-1.0.0-go', body: '[]' },
      { target: '/Answers-1.0.0-fail', body: '[]' },
      { target: '/Answers-1.0.0-go', body: '[]', headers: { Origin: 'https://evil.example' } },
      { target: '/Answers-1.0.0-go', body: '[', headers: { 'Content-Type': 'text/html' } },
      { target: '/Answers-1.0.0-go', method: 'GET' },
      { target: '/Answers-1.0.0-go', method: 'OPTIONS', headers: { Origin: 'http://localhost:1' } },
    ];
    for (const request of requests) {
      const a = await direct.send(request);
      const b = await through.send(request);
      expect({ ...a.headers, ...apart, date: '' }).toEqual({ ...b.headers, ...apart, date: '' });
      if (!('x-powered-by' in apart)) expect(a.headers).not.toHaveProperty('x-powered-by');
      expect([a.status, a.text]).toEqual([b.status, b.text]);
    }
  });
});

describe.each(Object.entries(ways))('paths of iTwin.js, by way of %s,', (_name, way) => {
  it.each([
    '/t/v1/mode/1/context/x/imodel/y/nohyphen',
    '/t/v1/mode/1/context/x/imodel/y/changeset/0/nohyphen',
    '/t/v1/mode/1/context/x/imodel/y/one-hyphen',
  ])('are answered by RPC, even if they name no operation: %s', async (target) => {
    const { send } = await startApp({ way, providers: [AnswersImpl] });
    const reply = await send({ target, body: '[]' });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.json).toMatchObject({ isError: true });
    expect(reply.json.message).not.toContain('Cannot POST');
  });
});

describe('a backend of version 1.2.3', () => {
  const versioned = Object.assign(definitionOf('Versioned', 'go'), { interfaceVersion: '1.2.3' });
  @RpcInterface(versioned)
  class VersionedImpl {
    async go() {
      return 'served';
    }
  }

  it.each<['strict' | 'compatible', string, boolean]>([
    ['strict', '1.2.3', true],
    ['strict', '1.2.2', true],
    ['strict', '1.1.9', true],
    ['strict', '1.0.0', true],
    ['strict', '1.2.4', false],
    ['strict', '1.3.0', false],
    ['strict', '2.0.0', false],
    ['strict', '0.9.0', false],
    ['compatible', '1.2.4', true],
    ['compatible', '1.3.0', false],
  ])(
    'with a %s versionCheck and a client of version %s serves the call: %s',
    async (versionCheck, version, served) => {
      const { send } = await startApp({ providers: [VersionedImpl], options: { versionCheck } });
      const reply = await send({ target: `/Versioned-${version}-go`, body: '[]' });
      if (served) expect([reply.status, reply.json]).toEqual([200, 'served']);
      else
        expect(reply.json).toMatchObject({
          errorNumber: 135168,
          message: `Backend version 1.2.3 does not match frontend version ${version} for RPC interface go.`,
        });
    },
  );
});
