export { bytesSchema } from './contract.js';
export type {
  Contract,
  ContractChannel,
  ContractInterface,
  ContractNotification,
  ContractOperation,
  ContractParameter,
  ContractPolicy,
  JsonSchema,
} from './contract.js';
export { openApiOf } from './openapi.js';
export type { DocumentOptions, JsonObject } from './openapi.js';
export { asyncApiOf } from './asyncapi.js';
export { describedCall, describedNotification } from './runtime.schemas.js';
export type { ServedCall } from './runtime.schemas.js';
