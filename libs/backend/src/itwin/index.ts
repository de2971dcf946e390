// Beside `@itwin/core-backend` and `@itwin/core-bentley` in one process. None of them is loaded by it.
export { useItwin } from '../node/itwin/itwin.context.js';
export type { ItwinActivity, ItwinLogger, ItwinParts, ItwinRpcTrace } from '../node/itwin/itwin.context.js';
export { logToNest } from './itwin.logger.js';
export type { ItwinLogFunction, ItwinLogStreams } from './itwin.logger.js';
export { itwinImplementation } from './itwin.provider.js';
