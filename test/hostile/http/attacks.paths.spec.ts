import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RpcInterface } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { closeApps, definitionOf, send, startApp, ways } from '../../harness/nest.harness.js';
import { listen, platforms } from '../../rpc/plain/plain.servers.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';

const Models = definitionOf('Models', 'which', 'cached', 'ping');
Models.operations = { which: {}, cached: { allowResponseCaching: true }, ping: {} };
let asked: unknown[] = [];

@RpcInterface(Models)
class ModelsImpl {
  async which(token: { iModelId: string }) {
    asked.push(token.iModelId);
    return token;
  }
  async cached(token: { iModelId: string }) {
    return this.which(token);
  }
  async ping() {
    return 'pong';
  }
}

const servers: Record<string, () => Promise<PlainServer>> = {};
for (const [name, way] of Object.entries(ways))
  servers[name] = async () => {
    const { port, close } = await startApp({ way, providers: [ModelsImpl] });
    return { port, url: '', stop: close };
  };
for (const [name, platform] of Object.entries(platforms))
  servers[name] = () => listen(platform(createRpcServer({ interfaces: [[Models, ModelsImpl]] })));

const token = (iModelId: string) => [{ iTwinId: 'site', iModelId }];
const A = '/api/fleet/v1/mode/1/context/site/imodel';
const T = 'changeset/0/Models-1.0.0';
/** Paths that a gateway may treat as those of the model `allowed`, or of no model. */
const twofold = {
  'dot segments': `${A}/secret/../allowed/${T}`,
  'a dot segment': `${A}/./allowed/${T}`,
  'encoded dots': `${A}/secret/%2e%2e/allowed/${T}`,
  'dots of which one is encoded': `${A}/secret/.%2E/allowed/${T}`,
  'dots with a parameter': `${A}/secret/..;x/allowed/${T}`,
  'dots far from the model': `/api/x/../fleet/v1/mode/1/context/site/imodel/secret/${T}`,
  'two slashes': `${A}//allowed/${T}`,
  'two slashes before the prefix': `/${A}/allowed/${T}`,
  'an encoded slash': `${A}/secret%2f..%2fallowed/${T}`,
  'an encoded slash as clients write it': `${A}/allowed%2Fsecret/${T}`,
  'an encoded slash for a segment': `${A}%2Fallowed/${T}`,
  'a backslash': `${A}/secret\\..\\allowed/${T}`,
  'an encoded backslash': `${A}/secret%5c..%5callowed/${T}`,
  'an encoded letter': `${A}/%61llowed/${T}`,
  'an encoded letter of a name': `/api/fleet/v1/mode/1/context/site/%69model/allowed/${T}`,
  'an encoded hyphen': `${A}/allowed%2Dtoo/${T}`,
  'an encoded NUL': `${A}/allowed%00secret/${T}`,
  'a malformed escape': `${A}/%zz/${T}`,
  'overlong UTF-8': `${A}/secret%c0%ae%c0%ae/${T}`,
  'a parameter of a segment': `${A}/allowed;x=1/${T}`,
  'a changeset that is the name of a model': `${A}/secret/changeset/imodel/allowed/Models-1.0.0`,
  'a model that is the name of a model': `${A}/imodel/allowed/${T}`,
  'a mode that is the name of a model': `${A}/secret/mode/imodel/allowed/x/Models-1.0.0`,
};

describe.each(Object.entries(servers))('a path, by way of %s,', (name, start) => {
  let server: PlainServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
    await closeApps();
  });
  const post = (target: string, args: unknown[]) => send(server.port, { target, body: JSON.stringify(args) });
  const get = (target: string, args: unknown[]) => {
    const query = `?parameters=${encodeURIComponent(btoa(JSON.stringify(args)))}`;
    return send(server.port, { method: 'GET', target: target + query });
  };
  /** Requests of the fetch standard have no dot segments, whatever was sent. */
  const isResolved = (target: string) => name === 'fetch' && /\/(\.|%2e){1,2}\/|\\/i.test(target);

  it.each(Object.entries(twofold))('that can be read in two ways is refused: %s', async (_case, target) => {
    const calls = [
      () => post(`${target}-which`, token('other')),
      () => get(`${target}-cached`, token('other')),
    ];
    for (const call of [...calls, ...calls]) {
      asked = [];
      const { status, text } = await call();
      if (isResolved(target) && status === 200) continue;
      // Fastify refuses by itself what it cannot decode.
      const reason = expect.stringMatching(/more than one way|FST_ERR_BAD_URL/);
      expect([status, text, asked]).toEqual([400, reason, []]);
    }
  });

  it('that can be read in two ways is refused, even if it names no model', async () => {
    for (const path of ['//', '/x//', '/x%2f', '/%78/', '/x/;/../'].filter((each) => !isResolved(each)))
      expect([path, (await post(`${path}/Models-1.0.0-ping`, [])).status]).toEqual([path, 400]);
  });

  it('names its model in the encoding that the client sent', async () => {
    const iModelId = encodeURIComponent('hall 1 (\u00e9)#?');
    const target = `${A}/${iModelId}/${T}-which`;
    expect((await post(target, token(decodeURIComponent(iModelId)))).json).toMatchObject({ iModelId });
  });

  it.each([
    ['a model', `${A}/m/${T}`, 'm'],
    ['a model without an iTwin', `/t/v/mode/1/context//imodel/m/${T}`, 'm'],
    ['no model (disableRoutingValidation)', `/t/v/mode/1/context//imodel//${T}`, ''],
    ['a title and a version that are empty', `///mode/1/context/T/imodel/m/${T}`, 'm'],
    ['a title with a blank and an umlaut', `/fl%C3%B6t%20te/v/mode/1/context/T/imodel/m/${T}`, 'm'],
    ['two models, of which the last counts', `${A}/other/imodel/m/${T}`, 'm'],
    ['a slash at the end', `${A}/m/${T}`, 'm', '/'],
  ])('of a client of iTwin.js is served: %s', async (_case, target, iModelId, end = '') => {
    expect((await post(`${target}-which${end}`, token('x'))).json).toMatchObject({ iModelId });
    expect((await get(`${target}-cached${end}`, token('x'))).json).toMatchObject({ iModelId });
  });

  it('with a slash in its model is served if the argument names the same model, or names none', async () => {
    const target = `${A}/${encodeURIComponent('a b/c')}/${T}-which`;
    expect((await post(target, token('a b/c'))).json).toMatchObject({ iModelId: 'a%20b%2Fc' });
    expect((await post(target, token('a b'))).status).toBe(400);
    expect((await post(`${A}/a%20b%2Fc/${T}-ping`, [])).json).toBe('pong');
  });

  it('of the control channel may contain every character of base64', async () => {
    const reply = await post(
      '/t/v/mode/1/context/none/imodel/none/changeset/none/a//b+/c==-CONTROL-describeEndpoints',
      [],
    );
    expect(reply.json).toMatchObject([{ interfaceName: 'Models' }]);
  });
});
