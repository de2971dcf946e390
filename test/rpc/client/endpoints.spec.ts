import { describe, expect, it } from '@jest/globals';
import { createRpcClient, RpcManager, RpcRoutingToken, WebRpcManager } from '@linnet/common';
import { failureOf, Maps, Robots, ScriptedServer } from './scripted.send.js';
import type { ScriptedReply } from './scripted.send.js';

interface Served {
  interfaceName: string;
  interfaceVersion: string;
}

const serving = (...endpoints: Served[]): ScriptedReply => ({
  body: JSON.stringify(
    endpoints.map((each) => Object.assign({ operationNames: [], compatible: true }, each)),
  ),
});
const robotsServed = { interfaceName: 'Robots', interfaceVersion: '1.2.0' };
const mapsServed = { interfaceName: 'Maps', interfaceVersion: '2.0.0' };

describe('the endpoints of a server', () => {
  const clientOf = (...replies: ScriptedReply[]) => {
    const server = new ScriptedServer(...replies);
    return { server, client: createRpcClient({ send: server.send, interfaces: [Robots, Maps] }) };
  };

  it('are requested over the control channel', async () => {
    const { client, server } = clientOf(serving(robotsServed));
    await client.describeEndpoints();
    const { url, body, method } = server.requests[0]!;
    const id = btoa('Maps@2.0.0,Robots@1.2.0');
    const segment = `${id}-CONTROL-describeEndpoints`;
    expect(url).toBe(`/linnet/v1.0/mode/1/context/none/imodel/none/changeset/none/${segment}`);
    expect([method, body]).toEqual(['POST', '[]']);
  });

  it('are compared with the versions of the client', async () => {
    const theirs = { ...mapsServed, interfaceVersion: '2.1.0' };
    const other = { interfaceName: 'Other', interfaceVersion: '9.0.0' };
    const { client } = clientOf(serving({ ...robotsServed, interfaceVersion: '1.1.0' }, theirs, other));
    const compatible = (await client.describeEndpoints()).map((each) => [
      each.interfaceName,
      each.compatible,
    ]);
    expect(Object.fromEntries(compatible)).toEqual({ Robots: false, Maps: true, Other: true });
  });

  it('make ready() resolve, or reject with the interfaces that are missing or do not fit', async () => {
    await clientOf(serving(robotsServed, mapsServed)).client.ready();
    const old = serving({ ...robotsServed, interfaceVersion: '1.1.9' });
    expect(await failureOf(clientOf(old).client.ready())).toMatchObject({
      errorNumber: 135168,
      message:
        'The server does not fit: Robots is served in version 1.1.9, which does not fit to 1.2.0; Maps is not served.',
    });
    await createRpcClient({ send: new ScriptedServer(serving()).send }).ready();
  });

  it.each(['{}', '[1]', 'null', '[null]', '[{"interfaceName":1}]', ''])(
    'are an error if they are %j',
    async (body) => {
      expect((await failureOf(clientOf({ body }).client.ready())).message).toBe(
        'The server does not say what it serves.',
      );
    },
  );

  it('are an error if the server does not exist', async () => {
    const client = createRpcClient({ uriPrefix: 'http://127.0.0.1:1', interfaces: [Robots] });
    await expect(client.ready()).rejects.toMatchObject({ status: -1 });
  });

  it('are requested once from each server', async () => {
    const info = { title: 'Fleet', version: 'v1' };
    const near = new ScriptedServer(serving(robotsServed, mapsServed));
    const far = new ScriptedServer(serving({ ...robotsServed, interfaceVersion: '2.0.0' }));
    WebRpcManager.initializeClient({ info, send: near.send }, [Robots, Maps]);
    WebRpcManager.initializeClient({ info, send: far.send }, [Robots], RpcRoutingToken.generate('far'));
    const endpoints = await RpcManager.describeAvailableEndpoints();
    expect(endpoints.map((each) => [each.interfaceName, each.interfaceVersion, each.compatible])).toEqual([
      ['Robots', '1.2.0', true],
      ['Maps', '2.0.0', true],
      ['Robots', '2.0.0', false],
    ]);
    expect([near.requests.length, far.requests.length]).toEqual([1, 1]);
  });
});
