import { RpcInterface } from '@linnet/backend';
import { closeApps, definitionOf, send, startApp, ways } from '../../../harness/nest.harness.js';

@RpcInterface(definitionOf('Wire', 'echo', 'list'))
class WireImpl {
  async echo(...args: unknown[]) {
    return args;
  }
  async list(): Promise<void> {
    throw ['a', { b: 1 }];
  }
}

afterEach(closeApps);

describe.each(Object.entries(ways))('RPC over HTTP, with %s,', (_name, way) => {
  const start = () => startApp({ way, providers: [WireImpl] });

  it('ignores a byte order mark before a text', async () => {
    const { port } = await start();
    const text = await send(port, { target: '/Wire-1.0.0-echo', body: '\ufeff["é",1]' });
    expect([text.status, text.json]).toEqual([200, ['é', 1]]);
    const multipart = await send(port, {
      target: '/Wire-1.0.0-echo',
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
      body: '--b\r\nContent-Disposition: form-data; name="objects"\r\n\r\n\ufeff[1]\r\n--b--\r\n',
    });
    expect([multipart.status, multipart.json]).toEqual([200, [1]]);
  });

  it.each(['/.', '/..', '/./', '/../', '/%2e', '/.%2E'])(
    'refuses the dot segment %s after an operation',
    async (dots) => {
      const { port } = await start();
      const target = `/t/v/mode/1/context/c/imodel/i/changeset/0/Wire-1.0.0-echo${dots}`;
      expect((await send(port, { target, body: '[1]' })).status).toBe(400);
      const other = await send(port, { target: `/Wire-1.0.0-echo${dots}`, body: '[1]' });
      expect([400, 404]).toContain(other.status);
    },
  );

  it('answers OPTIONS * only with catchAll', async () => {
    const { port } = await startApp({ way, providers: [WireImpl], options: { catchAll: true } });
    const { status, text } = await send(port, { method: 'OPTIONS', target: '*' });
    expect([status, text]).toEqual([200, '']);
    expect((await send(port, { target: '/Wire-1.0.0-echo', body: '[1]' })).status).toBe(200);
    const other = await start();
    expect((await send(other.port, { method: 'OPTIONS', target: '*' })).status).toBe(404);
  });

  it('sends a thrown list as the body of the error', async () => {
    const { port } = await start();
    const { status, json } = await send(port, { target: '/Wire-1.0.0-list', body: '[]' });
    expect([status, json]).toEqual([500, ['a', { b: 1 }]]);
  });
});
