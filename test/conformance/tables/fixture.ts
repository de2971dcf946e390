import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { createParamDecorator, Module } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import {
  Activity,
  CallContext,
  ClientRequestContext,
  CurrentActivity,
  IModelError,
  NoContentError,
  RpcInterface,
  RpcModule,
  RpcNotFoundResponse,
  RpcPendingResponse,
  TransientError,
} from '@linnet/backend';
import type { RpcCall, RpcTransport } from '@linnet/common';
import {
  ConfBinary,
  ConfEcho,
  ConfErrors,
  ConfFlow,
  ConfPre,
  ConfSpecial,
  ConfZero,
} from './fixture.definitions.js';
import type { Digest, Transformed } from './fixture.definitions.js';

// The implementations of test/vectors/FIXTURE.md, as providers of a Nest application.

export const pattern = (size: number, seed: number) =>
  Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) % 256);

const invert = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 255);

const digest = (bytes: Uint8Array): Digest => ({
  length: bytes.byteLength,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `binary:${value.byteLength}`;
  return Array.isArray(value) ? 'array' : typeof value;
}

@RpcInterface(ConfEcho, { partial: true })
class EchoImpl {
  async echo(...values: unknown[]) {
    return values[0];
  }
  async echoArgs(...values: unknown[]) {
    return values;
  }
  async argCount(...values: unknown[]) {
    return values.length;
  }
  async kindOf(...values: unknown[]) {
    return values.map(kindOf);
  }
  async none() {}
  async nothing() {
    return null;
  }
  async noArgs(...values: unknown[]) {
    return values.length === 0 ? 'no-args' : `unexpected ${values.length}`;
  }
  async add(a: number, b: number) {
    return a + b;
  }
  async health() {
    return 'ok';
  }
}

@RpcInterface(ConfBinary)
class BinaryImpl implements ConfBinary {
  async invert(bytes: Uint8Array) {
    return invert(bytes);
  }
  async make(size: number, seed: number) {
    return pattern(size, seed);
  }
  async digest(bytes: Uint8Array) {
    return digest(bytes);
  }
  async transform({ a, b, c }: Transformed) {
    return { a: { x: invert(a.x), y: -a.y }, b: b.toUpperCase(), c: invert(c) };
  }
  async many(count: number, size: number) {
    return { items: await this.listFirst(count, size) };
  }
  async digestMany(label: string, list: Uint8Array[]) {
    return { label, digests: list.map(digest) };
  }
  async listFirst(count: number, size: number) {
    return Array.from({ length: count }, (_, i) => pattern(size, i));
  }
  async mixed(text: string, bytes: Uint8Array, number: number) {
    return { text, bytes: invert(bytes), number };
  }
}

@RpcInterface(ConfErrors)
class ErrorsImpl implements ConfErrors {
  async plain(message: string): Promise<void> {
    throw new Error(message);
  }
  async bentley(errorNumber: number, message: string): Promise<void> {
    throw new IModelError(errorNumber, message);
  }
  async itwin(scope: string, key: string, message: string): Promise<void> {
    throw Object.assign(new Error(message), { iTwinErrorId: { scope, key }, name: key });
  }
  async typeError(message: string): Promise<void> {
    throw new TypeError(message);
  }
  async custom(message: string, members: object): Promise<void> {
    throw Object.assign(new Error(message), members);
  }
  async throwString(text: string): Promise<void> {
    throw text as unknown;
  }
  async throwObject(members: object): Promise<void> {
    throw members;
  }
  throwSync(message: string): Promise<void> {
    throw new Error(message);
  }
  async noContent(): Promise<void> {
    throw new NoContentError();
  }
}

class ConfNotFound extends RpcNotFoundResponse {
  isConfNotFound = true;
  code: number;
  constructor(code: number) {
    super();
    this.code = code;
  }
}

/** The call being served by a server that has no decorators for it. */
export const callWithoutNest = new AsyncLocalStorage<RpcCall>();

const Transport = createParamDecorator(
  (_: unknown, context: ExecutionContext) => CallContext.from(context)!.transport,
);

@RpcInterface(ConfFlow)
class FlowImpl implements ConfFlow {
  readonly #counts = new Map<string, number>();

  #count(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
  async pending(key: string, count: number, message: string) {
    const attempts = this.#count(`pending ${key}`);
    if (attempts <= count) throw new RpcPendingResponse(`${message} #${attempts}`);
    this.#counts.delete(`pending ${key}`);
    return { key, attempts };
  }
  async lookup(key: string) {
    if (key.startsWith('missing')) throw new ConfNotFound(1);
    if (key.startsWith('fatal')) throw new ConfNotFound(2);
    return `found:${key}`;
  }
  async transient(status: number, key: string, failures: number, retryAfter: string) {
    const attempts = this.#count(`transient ${key}`);
    // Any status, unlike what the type suggests to applications.
    if (attempts <= failures)
      throw new TransientError('later', status as 503, retryAfter === '' ? undefined : retryAfter);
    return { key, attempts };
  }
  /** No recorded call depends on the time that FIXTURE.md lets pass. */
  async delay(_ms: number, value: unknown) {
    return value;
  }
  async counter(key: string) {
    return this.#count(`counter ${key}`);
  }
  async context(@CurrentActivity() given?: Activity, @Transport() known?: RpcTransport) {
    // Without Nest nothing decorates parameters.
    const activity = given ?? ClientRequestContext.current;
    const transport = known ?? callWithoutNest.getStore()!.transport;
    const { activityId, applicationId, applicationVersion, sessionId, accessToken } = activity;
    const { protocolVersion } = transport;
    // A call over IPC has no request.
    const { path, method } = transport.kind !== 'ipc' ? transport : { path: '', method: 'context' };
    const authorization = accessToken;
    return {
      id: activityId,
      applicationId,
      applicationVersion,
      sessionId,
      authorization,
      protocolVersion,
      path,
      method,
    };
  }
  async cached(value: unknown) {
    return value;
  }
  async generateTileContent(value: unknown) {
    return value;
  }
  async getConnectionProps(value: unknown) {
    return value;
  }
  async getTileCacheContainerUrl(value: unknown) {
    return value;
  }
  async plainText(size: number) {
    return 'x'.repeat(size);
  }
  async compressibleText(size: number) {
    return 'x'.repeat(size);
  }
  async token(token: unknown) {
    return token;
  }
  async tokenRaw(token: unknown) {
    return token;
  }
}

@RpcInterface(ConfZero)
class ZeroImpl implements ConfZero {
  async ping() {
    return 'zero';
  }
}

@RpcInterface(ConfPre)
class PreImpl implements ConfPre {
  async ping() {
    return 'pre';
  }
}

@RpcInterface(ConfSpecial)
class SpecialImpl implements ConfSpecial {
  async ping() {
    return 'special';
  }
}

@Module({
  imports: [
    RpcModule.forRoot({
      info: { title: 'conformance', version: 'v1.0' },
      catchAll: true,
      anyGet: true,
      origins: '*',
      greeting: true,
      exposeErrors: 'all',
    }),
  ],
  providers: [EchoImpl, BinaryImpl, ErrorsImpl, FlowImpl, ZeroImpl, PreImpl, SpecialImpl],
})
export class ConformanceModule {}
