import { RpcInterface, RpcOperation } from '@linnet/common';
import type { RpcInterfaceDefinition } from '@linnet/common';

/** An error whose members the caller chose. */
type Members = Record<string, unknown>;

// The interfaces of test/vectors/FIXTURE.md, in its order: the control channel tells it.

export abstract class ConfEcho extends RpcInterface {
  static readonly interfaceName = 'ConfEcho';
  static readonly interfaceVersion: string = '2.3.4';
  echo(_value?: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  echoArgs(..._values: unknown[]): Promise<unknown[]> {
    return this.forward(arguments);
  }
  argCount(..._values: unknown[]): Promise<number> {
    return this.forward(arguments);
  }
  kindOf(..._values: unknown[]): Promise<string[]> {
    return this.forward(arguments);
  }
  none(): Promise<void> {
    return this.forward(arguments);
  }
  nothing(): Promise<null> {
    return this.forward(arguments);
  }
  noArgs(): Promise<string> {
    return this.forward(arguments);
  }
  add(_a: number, _b: number): Promise<number> {
    return this.forward(arguments);
  }
  unimplemented(): Promise<void> {
    return this.forward(arguments);
  }
  health(): Promise<string> {
    return this.forward(arguments);
  }
}

export interface Digest {
  length: number;
  sha256: string;
}
export interface Transformed {
  a: { x: Uint8Array; y: number };
  b: string;
  c: Uint8Array;
}

export abstract class ConfBinary extends RpcInterface {
  static readonly interfaceName = 'ConfBinary';
  static readonly interfaceVersion: string = '1.0.0';
  invert(_bytes: Uint8Array): Promise<Uint8Array> {
    return this.forward(arguments);
  }
  make(_size: number, _seed: number): Promise<Uint8Array> {
    return this.forward(arguments);
  }
  digest(_bytes: Uint8Array): Promise<Digest> {
    return this.forward(arguments);
  }
  transform(_value: Transformed): Promise<Transformed> {
    return this.forward(arguments);
  }
  many(_count: number, _size: number): Promise<{ items: Uint8Array[] }> {
    return this.forward(arguments);
  }
  digestMany(_label: string, _list: Uint8Array[]): Promise<{ label: string; digests: Digest[] }> {
    return this.forward(arguments);
  }
  listFirst(_count: number, _size: number): Promise<Uint8Array[]> {
    return this.forward(arguments);
  }
  mixed(
    _text: string,
    _bytes: Uint8Array,
    _number: number,
  ): Promise<{ text: string; bytes: Uint8Array; number: number }> {
    return this.forward(arguments);
  }
}

export abstract class ConfErrors extends RpcInterface {
  static readonly interfaceName = 'ConfErrors';
  static readonly interfaceVersion: string = '1.0.0';
  plain(_message: string): Promise<void> {
    return this.forward(arguments);
  }
  bentley(_errorNumber: number, _message: string): Promise<void> {
    return this.forward(arguments);
  }
  itwin(_scope: string, _key: string, _message: string): Promise<void> {
    return this.forward(arguments);
  }
  typeError(_message: string): Promise<void> {
    return this.forward(arguments);
  }
  custom(_message: string, _members: Members): Promise<void> {
    return this.forward(arguments);
  }
  throwString(_text: string): Promise<void> {
    return this.forward(arguments);
  }
  throwObject(_members: Members): Promise<void> {
    return this.forward(arguments);
  }
  throwSync(_message: string): Promise<void> {
    return this.forward(arguments);
  }
  noContent(): Promise<void> {
    return this.forward(arguments);
  }
}

export abstract class ConfFlow extends RpcInterface {
  static readonly interfaceName = 'ConfFlow';
  static readonly interfaceVersion: string = '1.0.0';
  pending(_key: string, _count: number, _message: string): Promise<{ key: string; attempts: number }> {
    return this.forward(arguments);
  }
  lookup(_key: string): Promise<string> {
    return this.forward(arguments);
  }
  transient(
    _status: number,
    _key: string,
    _failures: number,
    _retryAfter: string,
  ): Promise<{ key: string; attempts: number }> {
    return this.forward(arguments);
  }
  delay(_ms: number, _value: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  counter(_key: string): Promise<number> {
    return this.forward(arguments);
  }
  context(): Promise<Members> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowResponseCaching: true })
  cached(_value: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowResponseCaching: true })
  generateTileContent(_value: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowResponseCaching: true })
  getConnectionProps(_value: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowResponseCaching: true })
  getTileCacheContainerUrl(_value: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowResponseCompression: false })
  plainText(_size: number): Promise<string> {
    return this.forward(arguments);
  }
  compressibleText(_size: number): Promise<string> {
    return this.forward(arguments);
  }
  token(_token: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowTokenMismatch: true })
  tokenRaw(_token: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
}

export abstract class ConfZero extends RpcInterface {
  static readonly interfaceName = 'ConfZero';
  static readonly interfaceVersion = '0.4.5';
  ping(): Promise<string> {
    return this.forward(arguments);
  }
}

export abstract class ConfPre extends RpcInterface {
  static readonly interfaceName = 'ConfPre';
  static readonly interfaceVersion = '1.2.3-dev.7';
  ping(): Promise<string> {
    return this.forward(arguments);
  }
}

export abstract class ConfSpecial extends RpcInterface {
  static readonly interfaceName = 'Conf.Spec_ial~1$';
  static readonly interfaceVersion = '1.0.0';
  ping(): Promise<string> {
    return this.forward(arguments);
  }
}

export const definitions: readonly RpcInterfaceDefinition[] = [
  ConfEcho,
  ConfBinary,
  ConfErrors,
  ConfFlow,
  ConfZero,
  ConfPre,
  ConfSpecial,
];
