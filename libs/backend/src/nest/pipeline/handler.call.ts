import type { Type } from '@nestjs/common';
import type { ExecutionContextHost, InstanceWrapper } from '../internals/nest.exports.js';
import type { ErrorExposure, OnceEntrance, RpcCall } from '@linnet/common';
import type { CheckArguments } from '@linnet/common/internal';
import type { CallParams } from '../params/call.params.js';
import type { ErrorObserver } from '../errors/error.observer.js';

/** The options for errors in the module of a method. */
export type ErrorOptions = ErrorExposure & ErrorObserver;

/** A method of a provider that is called from outside. */
export interface HandlerMethod {
  readonly wrapper: InstanceWrapper;
  readonly name: string;
  readonly params: CallParams;
  readonly errors: ErrorOptions;
  /** Whether the result is a stream. */
  readonly isStream: boolean;
  /** Checks the arguments by their schemas; `undefined` if they have none. */
  readonly checkArguments: CheckArguments | undefined;
}

/** The begin of a call that runs once, behind the guards. */
export class OnceEntry {
  constructor(
    private readonly calls: OnceEntrance,
    private readonly call: RpcCall,
  ) {}

  /** @throws (rejection) whatever ends the call without a run */
  enter(): Promise<void> {
    return this.calls.enter(this.call);
  }
}

/** The things that differ between the transports, for one call. */
export interface HandlerCall {
  readonly arguments: unknown[];
  /** The arguments in execution contexts; by Nest's convention request, response and next come first. */
  readonly contextArguments: unknown[];
  readonly contextType: string;
  /** The one that all of the call see, as soon as there is one. */
  context: ExecutionContextHost | undefined;
  /** @param callback the method, as its metadata is found by it */
  makeContext(type: Type, callback: (...args: never[]) => unknown): ExecutionContextHost;
  /** Set for a call that runs once. */
  once?: OnceEntry | undefined;
  /** Called where a guard refuses the call, or fails. */
  refused?(): void;
  /** Before an exception filter runs. */
  beforeFilter(): void;
  /** Whether a filter has written an answer. */
  isAnswered(): boolean;
  /** The call fails, before filters see it. */
  failed(error: unknown): void;
  /** The call has its outcome. */
  done(): void;
}
