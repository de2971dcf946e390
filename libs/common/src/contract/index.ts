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
