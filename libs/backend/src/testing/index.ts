export type { ApplicationSource } from './test.application.js';
export { createTestRpcClient } from './test.client.js';
export type { TestRpcClientOptions } from './test.client.js';
export { createTestIpcSession } from './test.session.js';
export type { TestIpcSessionOptions } from './test.session.js';
