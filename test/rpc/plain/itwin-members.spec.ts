import { afterEach, describe, expect, it } from '@jest/globals';
import * as itwin from '@itwin/core-common';
import { RpcInterface as Decorator } from '@linnet/backend';
import { WebRpcManager, RpcManager } from '@linnet/backend/node';
import { RpcConfiguration, RpcInterface } from '@linnet/common';

// Members that code for iTwin.js uses of the classes of the same name.

class Depot extends RpcInterface {
  static readonly interfaceName = 'Depot';
  static readonly interfaceVersion = '1.0.0';
  async fail(_token: object): Promise<void> {
    return this.forward(arguments);
  }
}

class DepotImpl extends RpcInterface implements Depot {
  async fail(): Promise<void> {
    throw new Error('of the depot');
  }
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  RpcConfiguration.developmentMode = false;
  RpcConfiguration.throwOnTokenMismatch = false;
});

/** The error that a server answers with, made while the statics of RpcConfiguration are as they are. */
async function failure(options: object = {}): Promise<{ message: string; stack?: string }> {
  RpcManager.registerImpl(Depot, DepotImpl);
  const info = { title: 'depot', version: 'v1.0' };
  const { server } = WebRpcManager.initializeImpl({ info, report: () => undefined, ...options }, [Depot]);
  ends.push(() => server.close());
  const path = 'depot/v1.0/mode/1/context/t/imodel/m/changeset/c/Depot-1.0.0-fail';
  const headers = { 'Content-Type': 'text/plain', 'X-Correlation-Id': '1', 'X-Protocol-Version': '2' };
  const body = JSON.stringify([{ iTwinId: 't', iModelId: 'another', key: 'k' }]);
  const request = new Request(`http://127.0.0.1/${path}`, { method: 'POST', headers, body });
  return (await (await server.fetch(request)).json()) as { message: string };
}

describe('RpcConfiguration', () => {
  it('sends stacks in developmentMode, unless the options of the server forbid it', async () => {
    expect(await failure()).not.toHaveProperty('stack');
    RpcConfiguration.developmentMode = true;
    expect((await failure()).stack).toContain('of the depot');
    expect((await failure({ developmentMode: undefined })).stack).toContain('of the depot');
    expect(await failure({ developmentMode: false })).not.toHaveProperty('stack');
  });

  it('refuses a token that differs from the path with throwOnTokenMismatch', async () => {
    expect((await failure()).message).toBe('of the depot');
    RpcConfiguration.throwOnTokenMismatch = true;
    expect((await failure()).message).toContain('mismatch');
  });
});

describe('RpcInterface.isVersionCompatible', () => {
  const versions = ['1.0.0', '1.0.1', '1.1.0', '2.0.0', '0.1.0', '0.1.1', '1.0.0-dev.1'];
  it('compares versions as iTwin.js does, under both names of the class', () => {
    for (const backend of versions)
      for (const frontend of versions) {
        const expected = itwin.RpcInterface.isVersionCompatible(backend, frontend);
        expect(RpcInterface.isVersionCompatible(backend, frontend)).toBe(expected);
        expect(Decorator.isVersionCompatible(backend, frontend)).toBe(expected);
      }
  });
});
