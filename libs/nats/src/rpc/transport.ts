import { HttpTransport } from '@linnet/common';
import type { RpcClientOptions, RpcClientTransport } from '@linnet/common';
import type { NatsConnectionOptions } from '../connection/connection.js';
import { checkService } from '../message/subject.js';
import { NatsClient } from './client.js';

/** Options of {@link natsTransport}. */
export interface NatsTransportOptions
  extends
    NatsConnectionOptions,
    Pick<RpcClientOptions, 'info' | 'maxResponseBytes' | 'maxResponseText' | 'naming'> {
  /** The name of the service whose interfaces are called; see {@link NatsServerOptions.service}. */
  readonly service: string;
}

/** A transport of RPC over NATS. */
export interface NatsTransport extends RpcClientTransport {
  /** Ends the calls in flight, and the connection that the transport has opened. */
  close(): Promise<void>;
}

/**
 * Sends RPC calls over NATS to one of the servers of a service.
 *
 * ```ts
 * const transport = natsTransport({ servers: 'nats://127.0.0.1:4222', service: 'stock' });
 * const stock = createRpcClient({ transport }).client(Stock);
 * ```
 *
 * The connection is opened at the first call. Until then, and while it is lost, a call fails at once and may be repeated by
 * the rules of its client. A call to a service that nobody serves rejects at once with a `ServerError`.
 *
 * @throws Error if the service cannot have this name
 */
export function natsTransport(options: NatsTransportOptions): NatsTransport {
  const { service, info, maxResponseBytes, maxResponseText, naming, ...connection } = options;
  checkService(service);
  const client = new NatsClient(connection, service);
  const http = new HttpTransport(
    { info, maxResponseBytes, maxResponseText, naming, ownHeaders: true },
    (request) => client.send(request),
  );
  return {
    exchange: (request) => http.exchange(request),
    close: () => client.close(),
  };
}
