import { Inject } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { RpcNotFoundResponse, RpcPendingResponse, TransientError } from '@linnet/common';
import type { RpcClientTransport, RpcInterfaceDefinition, RpcReply, RpcRequest } from '@linnet/common';
import { operationsOf } from '@linnet/common/internal';
import { ClientRequestContext } from '../../call/request.context.js';
import { RpcRelay } from '../rpc.decorator.js';
import { getRpcClientToken } from './client.decorator.js';

type Operations = Record<string, (...args: unknown[]) => unknown>;

/** The client for relayed calls, by the injected client. It passes control responses on. */
const relayed = new WeakMap<object, object>();

/** Lets the implementation that {@link relayOf} made for a client call `relay` in its place. */
export function setRelay(client: object, relay: object): void {
  relayed.set(client, relay);
}

/**
 * Makes an implementation of an interface that hands every call on to the interface's client. Nest's guards,
 * interceptors, pipes and filters run around it as around any other.
 */
export function relayOf(definition: RpcInterfaceDefinition): Type {
  const token = getRpcClientToken(definition);
  // The name is what logs and errors say.
  const name = `${definition.interfaceName}Relay`;
  const relay = {
    [name]: class {
      readonly client: Operations;

      constructor(client: object) {
        // A stand-in for the client in a test answers here as well.
        this.client = (relayed.get(client) ?? client) as Operations;
      }
    },
  }[name]!;
  for (const operation of operationsOf(definition))
    Object.defineProperty(relay.prototype, operation, {
      value(this: { client: Operations }, ...args: unknown[]) {
        return this.client[operation]!(...args);
      },
    });
  Inject(token)(relay, undefined, 0);
  RpcRelay(definition)(relay);
  return relay;
}

/**
 * Passes control responses on to the caller. The first client waits, repairs and repeats. If both did, they would wait for
 * each other and multiply their attempts.
 */
export class RelayTransport implements RpcClientTransport {
  readonly address: string | undefined;
  readonly isSession: boolean;

  constructor(private readonly transport: RpcClientTransport) {
    this.address = transport.address;
    this.isSession = transport.isSession ?? false;
  }

  async exchange(request: RpcRequest): Promise<RpcReply> {
    const { lastEventId } = request;
    // The first client counts the items of the whole stream, the client of the relay those of its own call.
    const before = ClientRequestContext.current.lastEventId;
    const reply = await this.transport.exchange(
      before === undefined ? request : { ...request, lastEventId: before + (lastEventId ?? 0) },
    );
    if (reply.kind === 'result' || reply.kind === 'stream') return reply;
    // The answer to the first client has begun: only the relay can continue its stream.
    if (reply.kind === 'transient' && lastEventId !== undefined) return reply;
    return { kind: 'error', error: thrownFor(reply) };
  }
}

/** An error that is transient at the other server, which may have run the call. */
class RelayedTransient extends TransientError {
  readonly #notBegun: boolean;

  constructor(
    message: string,
    status: TransientError['status'],
    retryAfter: number | undefined,
    notBegun = false,
  ) {
    super(message, status, retryAfter);
    this.#notBegun = notBegun;
  }

  override get hasNoEffect(): boolean {
    return this.#notBegun;
  }
}

function thrownFor(reply: Exclude<RpcReply, { kind: 'result' | 'stream' }>): unknown {
  switch (reply.kind) {
    case 'pending':
      return new RpcPendingResponse(reply.message);
    case 'notFound':
      // Defined, not assigned: a member may have any name.
      return Object.defineProperties(
        new RpcNotFoundResponse(),
        Object.getOwnPropertyDescriptors(reply.response),
      );
    case 'transient': {
      const { message, status = -1 } = reply.error as Error & { status?: TransientError['status'] | -1 };
      // A server that was not reached has not answered.
      if (status === -1) return reply.error;
      const seconds = reply.retryAfterMs === undefined ? undefined : reply.retryAfterMs / 1000;
      return new RelayedTransient(message, status, seconds, reply.notBegun);
    }
    default:
      return reply.error;
  }
}
