import type { Contract, ContractChannel, ContractOperation, JsonSchema } from './contract.js';
import { infoOf } from './openapi.js';
import type { DocumentOptions, JsonObject } from './openapi.js';
import { argumentsSchema, declaredErrorSchema, mapEntries, mapSchema } from './schema.forms.js';

/**
 * Describes the channels of a contract as AsyncAPI 3. Payloads are lists of arguments, results, and declared errors. The frames around them are
 * those of the wire.
 *
 * @param options `path` is the path of the WebSocket
 * @returns the document, to be written as JSON
 */
export function asyncApiOf(contract: Contract, options: DocumentOptions = {}): JsonObject {
  const channels = Object.entries(contract.channels).map(
    ([name, channel]) => new ChannelWriter(name, channel),
  );
  return {
    asyncapi: '3.0.0',
    info: infoOf(options),
    channels: Object.fromEntries(channels.map((channel) => [channel.key, channel.channel(options.path)])),
    operations: Object.fromEntries(channels.flatMap((channel) => channel.operations())),
    components: { schemas: mapEntries(contract.$defs, draft07) },
  };
}

/** Writes one channel. */
class ChannelWriter {
  readonly key: string;

  constructor(
    private readonly name: string,
    private readonly shape: ContractChannel,
  ) {
    this.key = keyOf(name);
  }

  channel(path: string | undefined): JsonObject {
    const { description, methods, notifications } = this.shape;
    const calls = Object.entries(methods).flatMap(([method, shape]) => this.#callMessages(method, shape));
    const sent = Object.entries(notifications).map(
      ([notification, shape]) =>
        [
          `${keyOf(notification)}.notification`,
          message(notification, shape, argumentsOf(shape.parameters)),
        ] as const,
    );
    return {
      // The wire adds the prefix (docs/wire.md#35-channels).
      address: `itwin.${this.name}`,
      title: this.name,
      ...(description && { description }),
      ...(path && { 'x-websocket-path': path }),
      messages: Object.fromEntries([...calls, ...sent]),
    };
  }

  operations(): [string, JsonObject][] {
    const { methods, notifications } = this.shape;
    const channel = { $ref: `#/channels/${this.key}` };
    const messages = (name: string) => [{ $ref: `#/channels/${this.key}/messages/${name}` }];
    const calls = Object.entries(methods).map(([method, shape]): [string, JsonObject] => [
      `${this.key}.${keyOf(method)}`,
      {
        action: 'receive',
        title: method,
        channel,
        ...(shape.description && { description: shape.description }),
        messages: messages(`${keyOf(method)}.call`),
        reply: {
          channel,
          messages: [`${keyOf(method)}.${replyName(shape)}`]
            .concat(this.#errors(method, shape).map(([key]) => key))
            .flatMap(messages),
        },
      },
    ]);
    const sent = Object.entries(notifications).map(
      ([notification, { description }]): [string, JsonObject] => [
        `${this.key}.${keyOf(notification)}.notification`,
        {
          action: 'send',
          title: notification,
          channel,
          ...(description && { description }),
          messages: messages(`${keyOf(notification)}.notification`),
        },
      ],
    );
    return [...calls, ...sent];
  }

  /** The messages of a call and of its answers. */
  #callMessages(method: string, shape: ContractOperation): [string, JsonObject][] {
    return [
      [`${keyOf(method)}.call`, callMessage(method, shape)],
      [`${keyOf(method)}.${replyName(shape)}`, replyMessage(method, shape)],
      ...this.#errors(method, shape),
    ];
  }

  /** A message for each error that a method declares. */
  #errors(method: string, { errors = {} }: ContractOperation): [string, JsonObject][] {
    return Object.entries(errors).map(([error, data]) => {
      const own = declaredErrorSchema(`${this.name}.${method}`, error, data);
      const payload = {
        ...own,
        properties: { ...own.properties, message: { type: 'string' }, errorNumber: { type: 'number' } },
      };
      return [`${keyOf(method)}.error.${keyOf(error)}`, message(error, {}, payload)];
    });
  }
}

/** Keys of AsyncAPI have letters, digits, dots, hyphens and underscores. */
const keyOf = (name: string) => name.replaceAll(/[^\w.-]/g, '_');

const replyName = ({ stream }: ContractOperation) => (stream ? 'item' : 'result');

const argumentsOf = (parameters: ContractOperation['parameters']) =>
  argumentsSchema(parameters, { description: 'A stream of items.' });

function callMessage(method: string, shape: ContractOperation): JsonObject {
  return message(method, shape, argumentsOf(shape.parameters));
}

function replyMessage(method: string, { result, resultOptional }: ContractOperation): JsonObject {
  const nothing = { type: 'null' };
  const payload = !result ? nothing : resultOptional ? { anyOf: [result, nothing] } : result;
  return message(method, {}, payload);
}

function message(name: string, { description }: { description?: string }, payload: JsonSchema): JsonObject {
  return { name, ...(description && { summary: description }), payload: draft07(payload) };
}

/** A schema in the dialect of AsyncAPI, where a tuple is a list of `items`. */
function draft07(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, ({ prefixItems, items, ...each }) => ({
    ...each,
    ...(each.$ref && { $ref: each.$ref.replace('#/$defs/', '#/components/schemas/') }),
    ...(prefixItems?.length
      ? {
          items: prefixItems as unknown as JsonSchema,
          ...(items !== undefined && { additionalItems: items }),
        }
      : items && { items }),
  }));
}
