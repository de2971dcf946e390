import { afterAll, describe, expect, it } from '@jest/globals';
import { RpcInterface as ITwinRpcInterface } from '@itwin/core-common';
import { RpcInterface as decorate, RpcModule } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import type { VersionCheck } from '@linnet/backend/node';
import {
  createRpcClient,
  IModelError,
  inMemoryHttp,
  RpcInterface,
  RpcInterfaceStatus,
  RpcManager,
  WebRpcManager,
} from '@linnet/common';
import { serveNest, stopAll } from './seeds.servers.js';

/** One side of the interface. */
function inVersion(version: string) {
  abstract class Robots extends RpcInterface {
    public static readonly interfaceName = 'Robots';
    public static interfaceVersion = version;
    public async count(): Promise<number> {
      return this.forward(arguments);
    }
  }
  return Robots;
}

const impl = { count: async () => 7 };

/** Asks a server of one version with a client of another. */
async function ask(server: string, client: string, versionCheck?: VersionCheck): Promise<unknown> {
  const { service } = createRpcServer({ interfaces: [[inVersion(server), impl]], versionCheck });
  const robots = createRpcClient({ send: inMemoryHttp(service.handler) }).client(inVersion(client));
  return robots.count().catch((error: unknown) => error);
}

/** Both what the document says, and what iTwin.js does. */
const served = true;
const refused = false;

// The document refuses a client whose version is greater "when considering minor and patch". The code of iTwin.js
// (RpcInterface.isVersionCompatible) does so before 1.0.0, and from then on compares the minor alone: "change in patch
// indicates a fix not affecting compatibility". The default follows the code, so that no frontend is refused here that is
// served there; `strict` follows the document.
const rules: readonly [rule: string, server: string, client: string, standard: boolean, strict: boolean][] = [
  ['the same version', '1.2.3', '1.2.3', served, served],
  ['the same version in prerelease', '0.2.3', '0.2.3', served, served],

  ['a breaking change, the server is newer', '2.0.0', '1.0.0', refused, refused],
  ['a breaking change, the client is newer', '1.9.9', '2.0.0', refused, refused],
  ['a new method, the server has it', '1.3.0', '1.2.0', served, served],
  ['a new method, the client needs it', '1.2.0', '1.3.0', refused, refused],
  ['a fix, the server has it', '1.2.4', '1.2.3', served, served],
  ['a fix, the client has it', '1.2.3', '1.2.4', served, refused],

  ['a released server and a prerelease client', '1.0.0', '0.9.0', refused, refused],
  ['a prerelease server and a released client', '0.9.0', '1.0.0', refused, refused],
  ['a breaking change of a prerelease, the server is newer', '0.3.0', '0.2.0', refused, refused],
  ['a breaking change of a prerelease, the client is newer', '0.2.0', '0.3.0', refused, refused],
  ['a new method or a fix of a prerelease, the server has it', '0.2.1', '0.2.0', served, served],
  ['a new method or a fix of a prerelease, the client needs it', '0.2.0', '0.2.1', refused, refused],

  ['a complete mismatch of major versions', '1.0.0', '3.0.0', refused, refused],
  ['a complete mismatch of minor versions in a prerelease', '0.1.0', '0.2.0', refused, refused],
  ['a client with a newer minor version', '1.1.9', '1.2.0', refused, refused],
  ['a client with a newer minor version and an older patch', '1.1.9', '1.2.1', refused, refused],
  ['a client with a newer patch', '1.1.0', '1.1.1', served, refused],
  ['a client with an older minor version and a newer patch', '1.2.0', '1.1.9', served, served],
];

describe('Rpc Interface › RpcInterface Versioning', () => {
  it.each(rules)(
    'has a rule for %s: server %s, client %s',
    async (_rule, server, client, standard, strict) => {
      for (const [check, isServed] of [
        [undefined, standard],
        ['compatible', standard],
        ['strict', strict],
      ] as const) {
        const answer = await ask(server, client, check);
        if (isServed) expect(answer).toBe(7);
        else expect(answer).toMatchObject({ errorNumber: RpcInterfaceStatus.IncompatibleVersion });
      }
      expect(ITwinRpcInterface.isVersionCompatible(server, client)).toBe(standard);
    },
  );

  it('lets an incompatible call throw an IModelError with both versions', async () => {
    const error = await ask('1.2.0', '2.0.0');
    expect(error).toBeInstanceOf(IModelError);
    expect(error).toMatchObject({
      errorNumber: RpcInterfaceStatus.IncompatibleVersion,
      message: 'Backend version 1.2.0 does not match frontend version 2.0.0 for RPC interface count.',
    });
  });

  it('lets a call of a missing interface throw', async () => {
    const { service } = createRpcServer({ interfaces: [], catchAll: true });
    const client = createRpcClient({ send: inMemoryHttp(service.handler) }).client(inVersion('1.0.0'));
    const error: unknown = await client.count().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(IModelError);
    expect(error).toMatchObject({ message: 'RPC interface "Robots" is not initialized.' });
    expect(() => RpcManager.getClientForInterface(inVersion('1.0.0'))).toThrow('has no client');
  });

  it('compares the version of the interface, not of the class that implements it', async () => {
    class Impl {
      static readonly interfaceVersion = '9.9.9';
      count = impl.count;
    }
    const { service } = createRpcServer({ interfaces: [[inVersion('1.0.0'), new Impl()]] });
    const client = createRpcClient({ send: inMemoryHttp(service.handler) });
    expect(await client.client(inVersion('1.0.0')).count()).toBe(7);
  });
});

describe('Rpc vs. Ipc › RPC', () => {
  it('validates versions in ready(), which names interfaces that are missing or do not fit', async () => {
    const { service } = createRpcServer({ interfaces: [[inVersion('1.2.0'), impl]] });
    const info = { title: 'Robots', version: 'v1' };
    const send = inMemoryHttp(service.handler);
    const ready = (version: string) =>
      WebRpcManager.initializeClient({ info, send }, [inVersion(version)]).ready();
    await ready('1.1.0');
    await expect(ready('1.3.0')).rejects.toThrow(
      'Robots is served in version 1.2.0, which does not fit to 1.3.0',
    );
  });

  describe('in Nest', () => {
    afterAll(stopAll);

    it.each([
      ['compatible', served],
      ['strict', refused],
    ] as const)('serves or refuses a newer patch by versionCheck "%s"', async (versionCheck, isServed) => {
      @decorate(inVersion('1.2.3'))
      class Impl {
        count = impl.count;
      }
      Object.assign(Impl.prototype, impl);
      const imports = [RpcModule.forRoot({ versionCheck })];
      const { url } = await serveNest({ imports, providers: [Impl] });
      const count = createRpcClient({ uriPrefix: url }).client(inVersion('1.2.4')).count();
      if (isServed) expect(await count).toBe(7);
      else await expect(count).rejects.toMatchObject({ errorNumber: RpcInterfaceStatus.IncompatibleVersion });
    });
  });
});
