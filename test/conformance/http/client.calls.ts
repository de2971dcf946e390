import { RpcManager } from '@itwin/core-common';
import type { ITwinClient } from './itwin.client.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

/** The calls behind the recorded requests of the client, by vector. `key` is the one that was recorded. */
export const clientCalls: Record<string, (client: ITwinClient, key: string) => Promise<unknown>> = {
  C01: (client) => client.of('ConfEcho').add!(19, 23),
  C02: (client) => client.of('ConfEcho').echo!('é😀"\n'),
  C03: (client) =>
    client.of('ConfEcho').echoArgs!(1, 'two', null, undefined, { a: [true], b: undefined }, new Date(0)),
  C04: (client) => client.of('ConfEcho').none!(),
  C05: (client) => client.of('ConfEcho').nothing!(),
  C06: (client) => client.of('ConfBinary').invert!(hex('0001feff')),
  C07: (client) => client.of('ConfBinary').digest!(new Uint8Array()),
  C08: (client) => client.of('ConfEcho').argCount!(hex('01'), 'lost', 2),
  C09: (client) => client.of('ConfBinary').transform!({ a: { x: hex('0102'), y: 3 }, b: 'b', c: hex('09') }),
  C10: (client) => client.of('ConfBinary').mixed!('é', hex('07'), 1.5),
  C11: (client) => client.of('ConfBinary').many!(3, 2),
  C12: (client) => client.of('ConfBinary').listFirst!(2, 3),
  C13: (client) => client.of('ConfFlow').cached!({ q: 'é+/?' }),
  C14: (client) => client.of('ConfFlow').getConnectionProps!('x'),
  C15: (client) => client.of('ConfFlow').generateTileContent!('x'),
  C16: (client) => client.of('ConfFlow').getTileCacheContainerUrl!('x'),
  C17: (client) => client.of('ConfErrors').plain!('went wrong'),
  C18: (client) => client.of('ConfErrors').bentley!(65538, 'open already'),
  C19: (client) => client.of('ConfErrors').bentley!(65574, 'nope'),
  C20: (client) => client.of('ConfErrors').bentley!(65542, 'bad'),
  C21: (client) => client.withProtocol(1, () => client.of('ConfErrors').bentley!(65542, 'bad')),
  C22: (client) => client.of('ConfErrors').itwin!('conf-scope', 'conf-key', 'm'),
  C23: (client) => client.of('ConfErrors').custom!('c', { detail: { a: [1] }, code: 'E_CONF' }),
  C24: (client) => client.of('ConfErrors').throwObject!({ code: 7, reason: 'because' }),
  C25: (client) => client.of('ConfErrors').noContent!(),
  C26: (client) => client.withProtocol(1, () => client.of('ConfErrors').noContent!()),
  C27: (client) => client.withProtocol(0, () => client.of('ConfErrors').noContent!()),
  C28: (client, key) => client.of('ConfFlow').pending!(key, 2, 'warming "up"'),
  C29: (client, key) => client.withProtocol(1, () => client.of('ConfFlow').pending!(key, 1, 'warming "up"')),
  C30: (client) =>
    client.withRepair(
      () => 'fixed',
      () => client.of('ConfFlow').lookup!('missing'),
    ),
  C31: (client) => client.of('ConfFlow').lookup!('missing'),
  C32: (client) =>
    client.withProtocol(1, () =>
      client.withRepair(
        ({ code }) => {
          throw new Error(`code ${code}`);
        },
        () => client.of('ConfFlow').lookup!('fatal'),
      ),
    ),
  C33: (client, key) => client.of('ConfFlow').transient!(503, key, 1, '0.1'),
  C34: (client, key) => client.of('ConfFlow').transient!(429, key, 1, '0.1'),
  C35: (client, key) => client.of('ConfFlow').transient!(567, key, 1, ''),
  C36: (client) => client.withVersion('ConfEcho', '3.0.0', () => client.of('ConfEcho').health!()),
  C37: (client) =>
    client.withProtocol(1, () =>
      client.withVersion('ConfEcho', '3.0.0', () => client.of('ConfEcho').health!()),
    ),
  C38: (client) => client.of('ConfPre').ping!(),
  C39: (client) => client.of('Conf.Spec_ial~1$').ping!(),
  C40: (client) =>
    client.of('ConfFlow').token!({
      key: 'iModel:old',
      iTwinId: 'other',
      iModelId: 'other',
      changeset: { id: 'other', index: 4 },
    }),
  C41: (client) => client.of('ConfFlow').context!(),
  C42: () => RpcManager.describeAvailableEndpoints(),
  C43: (client) => client.of('ConfEcho').unimplemented!(),
  C44: (client) => {
    client.token({ iTwinId: '', iModelId: 'a b/c', changeset: { id: '' } });
    return client.of('ConfEcho').health!();
  },
};
