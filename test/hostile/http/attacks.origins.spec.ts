import { afterEach, describe, expect, it } from '@jest/globals';
import { RpcInterface } from '@linnet/backend';
import { adapters, closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { definitionOf } from '../../harness/nest.harness.js';

let runs = 0;
@RpcInterface(definitionOf('Origins', 'go'))
class OriginsImpl {
  async go() {
    return ++runs;
  }
}

const hosts = ['fleet.example.com'];
afterEach(closeIpcApps);

// A proxy on the server's own computer passes on the name that the browser has asked for.
describe.each(Object.entries(adapters))(
  'a server behind a proxy on the same computer, on %s,',
  (_name, way) => {
    const start = () => startIpcApp({ way, rpc: { hosts }, ipc: { hosts }, providers: [OriginsImpl] });

    it.each([
      ['fleet.example.com', 'http://localhost:5173'],
      ['fleet.example.com', 'http://127.0.0.1:9999'],
      ['fleet.example.com', 'http://[::1]:1'],
      ['fleet.example.com', 'http://evil.localhost'],
      ['fleet.example.com:443', 'https://localhost'],
      ['fleet.example.com:8443', 'https://fleet.example.com'],
      ['fleet.example.com', 'https://fleet.example.com:8443'],
    ])('as host %s refuses a page of %s that sends cookies', async (Host, Origin) => {
      const { send, refused } = await start();
      const before = runs;
      const headers = { Host, Origin, Cookie: 'sid=alice' };
      const reply = await send({ target: '/Origins-1.0.0-go', body: '[]', headers });
      expect([reply.status, reply.headers['access-control-allow-origin'], runs]).toEqual([
        403,
        undefined,
        before,
      ]);
      expect((await refused({ headers })).status).toBe(403);
    });

    it.each([
      ['fleet.example.com', 'https://fleet.example.com'],
      ['fleet.example.com:443', 'https://fleet.example.com'],
      ['fleet.example.com:80', 'http://fleet.example.com'],
      ['Fleet.Example.com', 'https://fleet.example.com'],
      ['localhost:3000', 'http://localhost:5173'],
      ['127.0.0.1', 'http://app.localhost'],
    ])('as host %s serves a page of %s', async (Host, Origin) => {
      const { send, connect } = await start();
      const headers = { Host, Origin };
      expect((await send({ target: '/Origins-1.0.0-go', body: '[]', headers })).status).toBe(200);
      await connect({ headers });
    });
  },
);
