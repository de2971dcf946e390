import {
  BentleyCloudRpcManager,
  RpcConfiguration,
  RpcInterface,
  RpcManager,
  RpcOperation,
  RpcProtocol,
  RpcRequest,
  RpcResponseCacheControl,
} from '@itwin/core-common';
import type { IModelRpcProps, RpcInterfaceDefinition as ITwinDefinition } from '@itwin/core-common';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { operationsOf } from '@linnet/common/internal';

/**
 * The same definition as iTwin.js code would write it.
 *
 * @param cacheable operations that the client may ask for by GET
 */
export function toITwin(definition: RpcInterfaceDefinition, cacheable: string[] = []): ITwinDefinition {
  class Definition extends RpcInterface {
    static interfaceName = definition.interfaceName;
    static interfaceVersion = definition.interfaceVersion;
  }
  for (const operation of operationsOf(definition)) {
    const value = function (this: RpcInterface, ...args: unknown[]) {
      return this.forward(args as unknown as IArguments);
    };
    const descriptor = { value, writable: true, configurable: true };
    Object.defineProperty(Definition.prototype, operation, descriptor);
    if (cacheable.includes(operation))
      RpcOperation.allowResponseCaching(RpcResponseCacheControl.Immutable)(
        Definition.prototype,
        operation,
        descriptor,
      );
  }
  return Definition;
}

/** A client of any definition: calls by name. */
export type AnyClient = Record<string, (...args: any[]) => Promise<any>>;

/**
 * The real client. Its state is one per process, and Jest gives each spec file its own: make one per file, and
 * point it at one server after the other.
 */
export class ITwinClient {
  readonly #config: RpcConfiguration;
  readonly #definitions: Record<string, ITwinDefinition>;

  constructor(definitions: readonly ITwinDefinition[]) {
    this.#definitions = Object.fromEntries(definitions.map((each) => [each.interfaceName, each]));
    const info = { title: 'conformance', version: 'v1.0' };
    this.#config = BentleyCloudRpcManager.initializeClient({ info }, [...definitions]);
    this.#config.pendingOperationRetryInterval = 10;
    this.token({ iTwinId: 'conf-itwin', iModelId: 'conf-imodel', changeset: { id: 'conf-changeset' } });
  }

  /** Sends to this server from now on. */
  connect(url: string): void {
    (this.#config.protocol as unknown as { pathPrefix: string }).pathPrefix = url;
  }

  of(interfaceName: string): AnyClient {
    return RpcManager.getClientForInterface(this.#definitions[interfaceName]!) as unknown as AnyClient;
  }

  token(token: Omit<IModelRpcProps, 'key'>): void {
    RpcManager.setIModel({ key: '', ...token });
  }

  /** Says who the client is, and names its next requests. */
  identify(id: () => string): void {
    RpcConfiguration.requestContext = {
      getId: id,
      serialize: async (request) => ({
        id: request.id,
        applicationId: 'conf-app',
        applicationVersion: '9.8.7',
        sessionId: 'conf-session',
        authorization: 'Bearer conf-token',
      }),
    };
  }

  /** Does something as a client of another protocol version. */
  async withProtocol<T>(version: number, work: () => Promise<T>): Promise<T> {
    const { protocolVersion } = RpcProtocol;
    setProtocol(version);
    try {
      return await work();
    } finally {
      setProtocol(protocolVersion);
    }
  }

  /** Does something as a client that was built against another version of an interface. */
  async withVersion<T>(interfaceName: string, version: string, work: () => Promise<T>): Promise<T> {
    const definition = this.#definitions[interfaceName]!;
    const { interfaceVersion } = definition;
    definition.interfaceVersion = version;
    try {
      return await work();
    } finally {
      definition.interfaceVersion = interfaceVersion;
    }
  }

  /** Does something while "not found" answers are repaired: `repair` gives a new first argument or throws. */
  async withRepair<T>(repair: (response: any) => unknown, work: () => Promise<T>): Promise<T> {
    const remove = RpcRequest.notFoundHandlers.addListener((request, response, resubmit, reject) => {
      try {
        request.parameters[0] = repair(response);
        resubmit();
      } catch (error) {
        reject(error);
      }
    });
    try {
      return await work();
    } finally {
      remove();
    }
  }
}

function setProtocol(version: number): void {
  (RpcProtocol as unknown as { protocolVersion: number }).protocolVersion = version;
}

/** The outcome of a call, in the form of the vectors. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return { resolved: describe(await call) };
  } catch (error) {
    const { name, message, errorNumber } = error as Error & { errorNumber?: number };
    return { rejected: { class: (error as Error).constructor.name, name, message, errorNumber } };
  }
}

function describe(value: unknown): unknown {
  if (value === undefined) return 'undefined';
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(describe);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, describe(item)]));
}
