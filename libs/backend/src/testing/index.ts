export { createTestRpcClient } from './test.client.js';
export type { TestRpcClientOptions } from './test.client.js';
