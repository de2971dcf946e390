export { defaultNatsLimits } from './rpc/limits.js';
export type { NatsLimits } from './rpc/limits.js';
export { natsServer } from './rpc/server.js';
export type { NatsServerOptions } from './rpc/server.js';
export { natsTransport } from './rpc/transport.js';
export type { NatsTransport, NatsTransportOptions } from './rpc/transport.js';
export type { NatsConnectionOptions } from './connection/connection.js';
export { natsBackplane } from './backplane/nats.backplane.js';
export type { NatsBackplaneOptions } from './backplane/nats.backplane.js';
