import type { CanActivate, Type } from '@nestjs/common';
import type { CallSchemas, IpcServedChannel, RpcEndpoint } from '@linnet/common';
import { asyncApiOf, describedCall, describedNotification, openApiOf } from '@linnet/common/contract';
import type {
  Contract,
  ContractChannel,
  ContractInterface,
  ContractOperation,
  DocumentOptions,
  JsonObject,
  ServedCall,
} from '@linnet/common/contract';
import { channelName, isStreaming, methodSchemas, normalizePath } from '@linnet/common/internal';
import type { BuiltinFile } from '@linnet/common/internal';
import { docsPage } from './docs.page.js';

/** Options of the documents of `RpcModule`. */
export interface RpcDocsOptions {
  /**
   * Serves a page at this path, on which people read the operations and try them. The documents are below it: `/docs/openapi.json`
   * and `/docs/asyncapi.json`. Default: no page, and the documents are below `/v3`.
   */
  path?: string;
  /**
   * The contract that `linnet contract` has written: parameters with their names and types, and doc comments. Default: the documents
   * have what a server knows without it, which is names and schemas.
   */
  contract?: Contract;
  /**
   * Guards of the documents and of the page, asked in this order: instances, or classes, which may be providers of any module. Global
   * guards are not asked. Default: everybody can read them.
   */
  guards?: readonly (Type<CanActivate> | CanActivate)[];
}

/** The definitions that a server has. They are read anew for each document, because some are added later. */
export interface ServedDefinitions {
  /** The names of the server. */
  options(): DocumentOptions;
  /** The interfaces. */
  endpoints(): readonly RpcEndpoint[];
  /** An operation of an interface. */
  call(endpoint: RpcEndpoint, operation: string): ServedCall;
  /** The channels. */
  channels(): readonly IpcServedChannel[];
}

/** The documents of a server, and the page that shows them. Only a server with the option `docs` loads this file. */
export class RpcDocuments {
  /** Functions that create the documents, by their paths. */
  readonly documents: ReadonlyMap<string, () => object>;
  /** The files of the page, by their paths. */
  readonly files: ReadonlyMap<string, BuiltinFile>;
  /** Libraries take their time to write a schema, and a document is written for each request. */
  readonly #described = new Map<string, ContractOperation>();

  /** @throws Error if the page cannot be read */
  constructor(
    private readonly docs: RpcDocsOptions,
    private readonly served: ServedDefinitions,
  ) {
    const prefix = normalizePath(docs.path ?? '/v3');
    this.documents = new Map([
      [`${prefix}/openapi.json`, () => this.openApi()],
      [`${prefix}/asyncapi.json`, () => this.asyncApi()],
    ]);
    const page = () => {
      const { info, path = '' } = served.options();
      const hasChannels = served.channels().length > 0;
      return { title: info?.title ?? 'RPC', root: `${path}${prefix}`, hasChannels };
    };
    this.files = docs.path === undefined ? new Map() : docsPage(prefix, page);
  }

  /** OpenAPI 3.1 of the interfaces. */
  openApi(): JsonObject {
    const interfaces = this.served
      .endpoints()
      .map((endpoint) => [endpoint.interfaceName, this.#interfaceOf(endpoint)] as const);
    return openApiOf(
      { ...this.#contract, interfaces: Object.fromEntries(interfaces) },
      this.served.options(),
    );
  }

  /** AsyncAPI 3 of the channels. */
  asyncApi(): JsonObject {
    const channels = this.served
      .channels()
      .map((each) => [channelName(each.channel), this.#channelOf(each)] as const);
    // The path of the WebSocket is an option of another module.
    const options = { ...this.served.options(), path: undefined };
    return asyncApiOf({ ...this.#contract, channels: Object.fromEntries(channels) }, options);
  }

  /** Sentences about interfaces and operations that the contract does not have. */
  gaps(): string[] {
    const { contract } = this.docs;
    return contract ? this.served.endpoints().flatMap((endpoint) => gapsOf(contract, endpoint)) : [];
  }

  get #contract(): Contract {
    return this.docs.contract ?? { linnetContract: 1, interfaces: {}, channels: {}, $defs: {} };
  }

  /** An interface under the version of its definition. */
  #interfaceOf(endpoint: RpcEndpoint): ContractInterface {
    const { interfaceName, interfaceVersion, operationNames } = endpoint;
    const known = ownOf(this.#contract.interfaces, interfaceName);
    const operations = operationNames.map((name) => {
      const operation = known && ownOf(known.operations, name);
      return [
        name,
        this.#describe(`${interfaceName}.${name}`, operation, () => this.served.call(endpoint, name)),
      ] as const;
    });
    return { ...known, version: interfaceVersion, operations: Object.fromEntries(operations) };
  }

  #channelOf({ channel, methods }: IpcServedChannel): ContractChannel {
    const name = channelName(channel);
    const known = ownOf(this.#contract.channels, name);
    const calls = methods.map((method) => {
      const call = () => ({ schemas: methodSchemas(channel, method), stream: isStreaming(channel, method) });
      return [
        method,
        this.#describe(`itwin.${name}.${method}`, known && ownOf(known.methods, method), call),
      ] as const;
    });
    const checked: Readonly<Record<string, Pick<CallSchemas, 'args'> | undefined>> =
      (typeof channel === 'object' && channel.notifications) || {};
    const sent = [...new Set([...Object.keys(known?.notifications ?? {}), ...Object.keys(checked)])];
    const notifications = sent.map((notification) => {
      const shape = known && ownOf(known.notifications, notification);
      return [notification, describedNotification(shape, ownOf(checked, notification)?.args)] as const;
    });
    return {
      ...known,
      methods: Object.fromEntries(calls),
      notifications: Object.fromEntries(notifications),
    };
  }

  #describe(key: string, known: ContractOperation | undefined, call: () => ServedCall): ContractOperation {
    let operation = this.#described.get(key);
    if (!operation) this.#described.set(key, (operation = describedCall(known, call())));
    return operation;
  }
}

function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function gapsOf(
  contract: Contract,
  { interfaceName, interfaceVersion, operationNames }: RpcEndpoint,
): string[] {
  const remedy = 'run linnet contract anew.';
  const known = ownOf(contract.interfaces, interfaceName);
  if (!known) return [`The contract does not have the RPC interface "${interfaceName}": ${remedy}`];
  const missing = operationNames.filter((name) => !Object.hasOwn(known.operations, name));
  if (missing.length > 0)
    return [`The contract of "${interfaceName}" does not have ${missing.join(', ')}: ${remedy}`];
  if (known.version === interfaceVersion) return [];
  return [
    `The contract has "${interfaceName}" ${known.version}, and ${interfaceVersion} is served: ${remedy}`,
  ];
}
