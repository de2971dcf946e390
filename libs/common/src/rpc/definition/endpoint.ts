/** Describes one served interface, as the control channel does. */
export interface RpcEndpoint {
  /** The name of the interface. */
  interfaceName: string;
  /** The version that is served. */
  interfaceVersion: string;
  /** Operations that may be called, those without an implementation included. */
  operationNames: string[];
  /** Whether the client's version is compatible. A server does not know that version and reports `true`. */
  compatible: boolean;
}

/** The version under which every server describes itself (docs/wire.md#28-control-channel). */
export const CONTROL_VERSION = 'CONTROL';
