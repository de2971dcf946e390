export { NodeRpcServer } from './node.server.js';
export type { NodePlatform } from './node.server.js';
export { activityFields, ClientRequestContext } from '../context/request.context.js';
