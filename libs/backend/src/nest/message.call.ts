import type { HandlerCall } from './handler.pipeline.js';

/** A call that came as a message of a session: there is no response that a filter could write. */
export class MessageCall implements HandlerCall {
  readonly arguments: unknown[];

  constructor(
    readonly contextType: 'rpc' | 'ws',
    call: { readonly arguments: unknown[] },
    readonly contextArguments: unknown[],
  ) {
    this.arguments = call.arguments;
  }

  beforeFilter(): void {}

  isAnswered(): boolean {
    return false;
  }
}
