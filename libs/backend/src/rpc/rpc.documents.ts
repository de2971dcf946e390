import type { CanActivate, Type } from '@nestjs/common';
import type { CallSchemas, IpcServedChannel, RpcEndpoint } from '@linnet/common';
import { asyncApiOf, describedCall, describedNotification, openApiOf } from '@linnet/common/contract';
import type {
  Contract,
  ContractChannel,
  ContractInterface,
  DocumentOptions,
  JsonObject,
  ServedCall,
} from '@linnet/common/contract';
import {
  channelName,
  isStreaming,
  jsonFile,
  methodSchemas,
  normalizePath,
  ownMember,
} from '@linnet/common/internal';
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
interface ServedDefinitions {
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
  /** The documents, and the files of the page, by their paths. */
  readonly files: ReadonlyMap<string, BuiltinFile>;
  readonly #contract: Contract;
  /** Libraries take their time to write a schema, and a document is written for each request. */
  readonly #described = new Map<string, unknown>();

  /** @throws Error if the page cannot be read */
  constructor(
    private readonly docs: RpcDocsOptions,
    private readonly served: ServedDefinitions,
  ) {
    this.#contract = docs.contract ?? { linnetContract: 1, interfaces: {}, channels: {}, $defs: {} };
    const prefix = normalizePath(docs.path ?? '/v3');
    const page = () => {
      const { info, path = '' } = served.options();
      const hasChannels = served.channels().length > 0;
      return { title: info?.title ?? 'RPC', root: `${path}${prefix}`, hasChannels };
    };
    this.files = new Map([
      [`${prefix}/openapi.json`, jsonFile(() => this.openApi())],
      [`${prefix}/asyncapi.json`, jsonFile(() => this.asyncApi())],
      ...(docs.path === undefined ? [] : docsPage(prefix, page)),
    ]);
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

  /** Sentences about what is served, and the contract does not have. */
  gaps(): string[] {
    const { contract } = this.docs;
    if (!contract) return [];
    const ofInterfaces = this.served.endpoints().map((endpoint) => {
      const { interfaceName, interfaceVersion, operationNames } = endpoint;
      const known = ownMember(contract.interfaces, interfaceName);
      const gap = gapOf(`RPC interface "${interfaceName}"`, known?.operations, operationNames);
      if (gap || known?.version === interfaceVersion) return gap;
      return `The contract has "${interfaceName}" ${known?.version}, and ${interfaceVersion} is served`;
    });
    const ofChannels = this.served.channels().map(({ channel, methods }) => {
      const name = channelName(channel);
      return gapOf(`channel "${name}"`, ownMember(contract.channels, name)?.methods, methods);
    });
    return [...ofInterfaces, ...ofChannels].flatMap((gap) =>
      gap ? `${gap}: run linnet contract anew.` : [],
    );
  }

  /** An interface under the version of its definition. */
  #interfaceOf(endpoint: RpcEndpoint): ContractInterface {
    const { interfaceName, interfaceVersion, operationNames } = endpoint;
    const known = ownMember(this.#contract.interfaces, interfaceName);
    const operations = operationNames.map((name) => {
      const shape = known && ownMember(known.operations, name);
      return this.#once(`${interfaceName}.${name}`, name, () =>
        describedCall(shape, this.served.call(endpoint, name)),
      );
    });
    return { ...known, version: interfaceVersion, operations: Object.fromEntries(operations) };
  }

  #channelOf({ channel, methods }: IpcServedChannel): ContractChannel {
    const name = channelName(channel);
    const known = ownMember(this.#contract.channels, name);
    const calls = methods.map((method) => {
      const shape = known && ownMember(known.methods, method);
      const call = { schemas: methodSchemas(channel, method), stream: isStreaming(channel, method) };
      return this.#once(`itwin.${name}.${method}`, method, () => describedCall(shape, call));
    });
    const checked: Readonly<Record<string, Pick<CallSchemas, 'args'> | undefined>> =
      (typeof channel === 'object' && channel.notifications) || {};
    const sent = [...new Set([...Object.keys(known?.notifications ?? {}), ...Object.keys(checked)])];
    const notifications = sent.map((notification) => {
      const shape = known && ownMember(known.notifications, notification);
      const { args } = ownMember(checked, notification) ?? {};
      return this.#once(`notification ${name}.${notification}`, notification, () =>
        describedNotification(shape, args),
      );
    });
    return {
      ...known,
      methods: Object.fromEntries(calls),
      notifications: Object.fromEntries(notifications),
    };
  }

  /** An entry of a document, described once. */
  #once<T>(key: string, name: string, describe: () => T): [name: string, T] {
    if (!this.#described.has(key)) this.#described.set(key, describe());
    return [name, this.#described.get(key) as T];
  }
}

function gapOf(
  served: string,
  known: Readonly<Record<string, unknown>> | undefined,
  names: readonly string[],
): string | undefined {
  if (!known) return `The contract does not have the ${served}`;
  const missing = names.filter((name) => !Object.hasOwn(known, name));
  return missing.length > 0 ? `The contract of the ${served} does not have ${missing.join(', ')}` : undefined;
}
