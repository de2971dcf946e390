import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { RpcInterface } from '@linnet/backend';
import { adapters, closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import { definitionOf } from '../../harness/nest.harness.js';

let ran: string[] = [];
let release = () => undefined as void;
let released: Promise<void>;

@RpcInterface(definitionOf('Offered', 'run', 'hold'))
class OfferedImpl {
  async run(name: string) {
    ran.push(name);
    return name;
  }
  async hold(name: string) {
    await released;
    return this.run(name);
  }
}

const call = (operation: string, name: string, ...headers: string[]) => {
  const body = JSON.stringify([name]);
  const lines = ['Host: localhost', 'X-Correlation-ID: a', 'Content-Type: text/plain', ...headers];
  const length = `Content-Length: ${body.length}`;
  return [`POST /Offered-1.0.0-${operation} HTTP/1.1`, ...lines, length, '', body].join('\r\n');
};
const offer = ['Connection: Upgrade', 'Upgrade: h2c'];
/** The bodies of the answers that came over a connection. */
const bodies = (text: string) =>
  [...text.matchAll(/\r\n\r\n(.*?)(?=HTTP\/1\.1 |$)/gs)].map(([, body]) => body);

describe.each(Object.entries(adapters))('a request that offers another protocol, on %s,', (_name, way) => {
  beforeEach(() => {
    ran = [];
    released = new Promise((resolve) => (release = resolve));
  });
  afterEach(closeIpcApps);

  /** Sends requests at once, and gives what comes back. */
  async function send(...requests: string[]) {
    const { port } = await startIpcApp({ way, rpc: {}, providers: [OfferedImpl] });
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
    socket.write(requests.join(''));
    return { text: () => text, closed: once(socket, 'close') };
  }

  it.each([
    [10, ['HTTP/1.1 500', 'HTTP/1.1 200'], ['last']],
    [1000, ['HTTP/1.1 431'], []],
    [1100, ['HTTP/1.1 431'], []],
    [1990, ['HTTP/1.1 431'], []],
  ])('with %d headers keeps its body, or is refused', async (count, answers, expected) => {
    const smuggled = call('run', 'smuggled');
    const headers = [...offer, ...Array<string>(count).fill('a:')];
    const request = call('run', 'outer', ...headers).replace(
      /Content-Length.*$/s,
      `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    const { text, closed } = await send(request, call('run', 'last', 'Connection: close'));
    await closed;
    expect([text().match(/HTTP\/1\.1 \d+/g), ran]).toEqual([answers, expected]);
  });

  it.each([
    ['behind a call', ['hold 1', 'offer 2']],
    ['between calls', ['hold 1', 'offer 2', 'run 3']],
    ['behind two calls', ['hold 1', 'run 2', 'offer 3']],
    ['twice behind a call', ['hold 1', 'offer 2', 'offer 3', 'run 4']],
    ['before calls', ['offered hold 1', 'run 2', 'offer 3']],
  ])('is answered in order when it is sent %s', async (_where, names) => {
    const requests = names.map((name) => {
      const operation = name.includes('hold') ? 'hold' : 'run';
      return call(operation, name, ...(name.includes('offer') ? offer : []));
    });
    const { text } = await send(...requests);
    release();
    await until(() => bodies(text()).length === names.length);
    expect(bodies(text())).toEqual(names.map((name) => JSON.stringify(name)));
    expect(ran.toSorted()).toEqual(names.toSorted());
  });

  it('is refused if it upgrades to IPC behind a running call, and the call is answered', async () => {
    const upgrade =
      'GET /ipc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const { text, closed } = await send(call('hold', 'first'), upgrade, call('run', 'last'));
    release();
    await closed;
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(ran).toEqual(['first']);
  });
});
