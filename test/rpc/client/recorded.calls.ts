import { createRpcClient } from '@linnet/common';
import type { RpcClient, RpcInterfaceDefinition, RpcNotFoundHandler } from '@linnet/common';
import { clientCalls } from '../../conformance/http/client.calls.js';
import { definitions } from '../../conformance/tables/fixture.definitions.js';
import { outcomeOf } from '../../conformance/http/itwin.client.js';
import type { AnyClient, ITwinClient } from '../../conformance/http/itwin.client.js';
import { readVectors } from '../../conformance/tables/vectors.js';
import type { Way } from './ways.js';

export interface ClientVector {
  id: string;
  title: string;
  exchanges: { request: { headers: [string, string][]; body: unknown } }[];
  clientOutcome: unknown;
}

const { vectors: all } = readVectors('http-client') as { vectors: ClientVector[] };

/** Calls of another client's protocol version or of its static faces, of which there are tests of their own. */
const others = ['C21', 'C26', 'C27', 'C29', 'C32', 'C37', 'C42'];

/** The recorded calls that our client makes as well. */
export const vectors = all.filter(({ id }) => !others.includes(id));

const rejected = (kind: string, name: string, message: string, errorNumber: number) => ({
  rejected: { class: kind, name, message, errorNumber },
});

/** Where our client learns more than the one that was recorded. */
export const differences: Record<string, unknown> = {
  // Arguments behind bytes are not lost.
  C08: { resolved: 3 },
  // Errors of every category arrive.
  C20: rejected('BackendError', 'Bad Request', 'bad', 65542),
  C36: rejected(
    'BackendError',
    'IncompatibleVersionError',
    'Backend version 2.3.4 does not match frontend version 3.0.0 for RPC interface health.',
    135168,
  ),
  C35: rejected('BackendError', 'TransientError', 'later', 32768),
  // Nothing is an error without a name or a message.
  C24: rejected('BackendError', 'Error', 'The server answered 500.', 32768),
  C25: rejected('BackendError', 'NoContentError', 'No Content', 65604),
  C31: rejected('BackendError', 'NotFound', 'Not found', 32768),
  // A list that begins with bytes is whole (a server of ours sends it so).
  C12: { resolved: [{ $bytes: '001f3e' }, { $bytes: '01203f' }] },
};

const conformance = { iTwinId: 'conf-itwin', iModelId: 'conf-imodel', changeset: { id: 'conf-changeset' } };

/** The client of the table of calls, made of our client. */
class Calls {
  #token = conformance;
  #repair: RpcNotFoundHandler | undefined;
  readonly #versions = new Map<string, string>();
  readonly #server: RpcClient;

  constructor(
    at: Way['at'],
    private readonly activityId: string,
  ) {
    const identity = { applicationId: 'conf-app', applicationVersion: '9.8.7', sessionId: 'conf-session' };
    this.#server = createRpcClient({
      ...at,
      ...identity,
      info: { title: 'conformance', version: 'v1.0' },
      authorization: () => Promise.resolve('Bearer conf-token'),
      pendingIntervalMs: 10,
      onNotFound: (event) => this.#repair?.(event),
    });
  }

  of(name: string): AnyClient {
    const declared = definitions.find(({ interfaceName }) => interfaceName === name)!;
    // Another version than that of the server, which has the very class.
    const interfaceVersion = { value: this.#versions.get(name) ?? declared.interfaceVersion };
    const definition = Object.create(declared, { interfaceVersion }) as RpcInterfaceDefinition;
    const options = { activityId: this.activityId, token: this.#token };
    return this.#server.client(definition).with(options) as unknown as AnyClient;
  }

  token(token: typeof conformance): void {
    this.#token = token;
  }

  withRepair<T>(repair: (response: object) => unknown, work: () => Promise<T>): Promise<T> {
    this.#repair = ({ response, arguments: [, ...rest] }) => [repair(response), ...rest];
    return work();
  }

  withVersion<T>(name: string, version: string, work: () => Promise<T>): Promise<T> {
    this.#versions.set(name, version);
    return work();
  }
}

/** Makes a recorded call, by a client at a server, and says what comes of it. */
export async function outcomeAt(at: Way['at'], { id, exchanges }: ClientVector): Promise<unknown> {
  const { headers, body } = exchanges[0]!.request;
  const activityId = headers.find(([header]) => header === 'X-Correlation-Id')![1];
  const key = /v-[\w-]+/.exec(JSON.stringify(body))?.[0] ?? '';
  const calls = new Calls(at, activityId) as unknown as ITwinClient;
  return outcomeOf(clientCalls[id]!(calls, key));
}
