import { takesStream } from '../../call/call.checks.js';
import { CallQueue } from '../../call/call.queue.js';
import { resultOf, runBare } from '../../call/result.js';
import type { RunInActivity } from '../../call/result.js';
import type { RpcOperationPolicy } from '../definition/definition.js';
import type { RpcCall, RpcHandler } from './call.js';
import type { OnceCalls } from './once.calls.js';

/**
 * The entrance of an operation that runs once. A repetition waits for the first run without a place of the operation's `concurrency`,
 * so that it does not keep other calls from running.
 */
export class OnceEntrance {
  readonly #queue: CallQueue | undefined;
  readonly #run: RunInActivity;
  /** The calls that have a place in the queue. */
  readonly #placed = new WeakSet<RpcCall>();

  /** @throws Error if the operation cannot run once */
  constructor(
    name: string,
    { concurrency, stream, schemas }: RpcOperationPolicy,
    private readonly calls: OnceCalls,
    {
      run = runBare,
      waitingCalls,
    }: { readonly run?: RunInActivity | undefined; readonly waitingCalls: number },
  ) {
    this.#run = run;
    if (stream || takesStream(schemas)) throw new Error(`${name}: a call with a stream cannot run once.`);
    if (concurrency !== Infinity) this.#queue = new CallQueue(concurrency, waitingCalls);
  }

  /**
   * Begins a call, behind its guards.
   *
   * @throws (rejection) as {@link OnceCalls.enter} does, and if the call cannot wait for a place. Then its repetition may run
   */
  async enter(call: RpcCall): Promise<void> {
    await this.calls.enter(call);
    if (!this.#queue) return;
    try {
      await this.#queue.enter(() => call.activity.signal, call.activity.watch);
    } catch (error) {
      this.calls.release(call);
      throw error;
    }
    this.#placed.add(call);
  }

  /** Makes a handler that begins its calls. @param enters whether the handler does that itself */
  around(handler: RpcHandler, enters = false): RpcHandler {
    const begun: RpcHandler = enters ? handler : (call) => this.enter(call).then(() => handler(call));
    return this.#queue ? this.#leaving(begun, this.#queue) : begun;
  }

  #leaving(handler: RpcHandler, queue: CallQueue): RpcHandler {
    return (call) =>
      resultOf(() => handler(call), call.activity, this.#run).finally(() => {
        if (this.#placed.delete(call)) queue.leave();
      });
  }
}
