import { onAbort } from '../../base/abort.js';
import { GENERAL_ERROR, NumberedError } from '../../base/numbered.error.js';
import { messageOf } from '../../base/text.js';
import { ByteBudget } from '../../bytes/byte.budget.js';
import type { BudgetShare } from '../../bytes/byte.budget.js';
import { joinBytes } from '../../bytes/bytes.js';
import { checkError } from '../../call/checked.value.js';
import { MemoryOnceStore } from '../../call/once.store.js';
import type { OnceClaim, OnceState, OnceStore } from '../../call/once.store.js';
import { resultOf } from '../../call/result.js';
import type { RunInActivity } from '../../call/result.js';
import type { ErrorPolicy } from '../../error/error.codec.js';
import { TransientError } from '../../error/imodel.error.js';
import { encodeValue } from '../../value/value.codec.js';
import type { RpcCall, RpcHandler, RpcOutcome } from './call.js';
import { onceCaller } from './once.caller.js';
import { encodeAnswer, readAnswer, unkept } from './once.answer.js';

/** How a server remembers the calls of operations with `idempotency: 'once'`. */
export interface OnceOptions {
  /** Default: the memory of this process. */
  readonly store?: OnceStore | undefined;
  /** How long a call is remembered, in milliseconds. Default: 10 minutes. */
  readonly lifeMs?: number | undefined;
  /** Bytes of an answer that is kept. The caller of a larger one gets it, and its repetition gets an error. Default: 64 KiB. */
  readonly answerBytes?: number | undefined;
  /**
   * Bytes of the calls that this process has remembered within `lifeMs`. Beyond it new calls get 503. A caller can use up a quarter of
   * them. Default: 64 MiB.
   */
  readonly keptBytes?: number | undefined;
  /** Names the caller: only he gets a stored answer. Default: his user, or else his access token. A caller with neither needs a random UUID as activity id. */
  readonly callerOf?: ((call: RpcCall) => string) | undefined;
  /** Which part of an error is kept. */
  readonly errors?: ErrorPolicy | undefined;
}

/** Bytes of a remembered call beside its answer. */
const RECORD_BYTES = 512;
/** The first and the longest pause before a call of another process is looked at again, in milliseconds. */
const PAUSE_MS = [20, 500] as const;
/** After so many seconds a caller may try again if the store is away. */
const RETRY_SECONDS = 1;
/** One caller has at most this part of the budget. */
const SHARE = 1 / 4;
const encoder = new TextEncoder();

/** The answer of an earlier run, thrown in place of a second one. */
export class StoredAnswer extends Error {
  constructor(readonly answer: Uint8Array) {
    super('The call has run before.');
  }
}

interface Running {
  readonly claim: OnceClaim;
  readonly key: string;
  readonly share: BudgetShare;
  /** Resolves when the call is over. */
  readonly over: () => void;
}

/** Runs calls at most once: it claims each of them in a store, and keeps their answers there. */
export class OnceCalls {
  /** Where calls are remembered. Set it before the first call. */
  store: OnceStore;
  readonly #lifeMs: number;
  readonly #answerBytes: number;
  readonly #budget: ByteBudget;
  /** The calls that are over, in the order of their ends. */
  readonly #kept = new Set<{ readonly share: BudgetShare; readonly until: number }>();
  readonly #running = new WeakMap<RpcCall, Running>();
  /** The calls that run in this process, by their keys. */
  readonly #ends = new Map<string, Promise<void>>();

  constructor(
    private readonly options: OnceOptions,
    private readonly run: RunInActivity,
  ) {
    const { store, lifeMs = 600_000, answerBytes = 64 * 1024, keptBytes = 64 * 1024 * 1024 } = options;
    this.store = store ?? new MemoryOnceStore();
    this.#lifeMs = lifeMs;
    this.#answerBytes = answerBytes;
    this.#budget = new ByteBudget(keptBytes);
  }

  /**
   * Begins a call, behind everything that decides whether its caller may make it.
   *
   * @throws StoredAnswer (rejection) if it has run before; TransientError if the store is away or full; an error if its outcome is
   * unknown; the reason of the activity's signal while an earlier run goes on
   */
  async enter(call: RpcCall): Promise<void> {
    const { activity } = call;
    if (activity.activityId === '')
      throw new NumberedError(GENERAL_ERROR, 'Error', 'An operation that runs once needs an activity id.');
    const caller = (this.options.callerOf ?? onceCaller)(call);
    const key = await keyOf(caller, call);
    for (let pause: number = PAUSE_MS[0]; ; pause = Math.min(2 * pause, PAUSE_MS[1])) {
      const isHere = this.#ends.has(key);
      if (!isHere && (await this.#claim(call, caller, key))) return;
      const state = isHere ? 'running' : await this.#reach(() => this.store.look(key));
      if (state instanceof Uint8Array) throw new StoredAnswer(state);
      if (state === 'lost') throw outcomeUnknown('The process that had the call has ended.');
      if (state === 'free' && this.#isFull(caller))
        throw new TransientError('Too many calls are remembered.', 503, RETRY_SECONDS);
      // A call that is free again may have ended just now. A store that contradicts itself is not asked without a pause.
      await this.#wait(call, key, pause);
    }
  }

  /** Makes a handler that keeps the answers of calls which it has begun with {@link enter}. */
  keeping(handler: RpcHandler, outcomeOf: (value: unknown, isError: boolean) => RpcOutcome): RpcHandler {
    return (call) =>
      resultOf(() => handler(call), call.activity, this.run).then(
        (value) => {
          this.#over(call, outcomeOf(value, false));
          return value;
        },
        async (error: unknown) => {
          if (error instanceof StoredAnswer) return replay(error.answer);
          const shown = await new Promise<unknown>((resolve) => checkError(error, resolve));
          this.#over(call, outcomeOf(shown, true));
          throw error;
        },
      );
  }

  /** Forgets a call that has begun with {@link enter} and has not run: its repetition runs. */
  release(call: RpcCall): void {
    this.#over(call, { kind: 'pending', message: '' });
  }

  /** Ends the claims of this process. Never rejects. */
  async close(): Promise<void> {
    await this.store.close?.();
  }

  async #claim(call: RpcCall, caller: string, key: string): Promise<boolean> {
    this.#sweep();
    // A call that was claimed before needs no space.
    if (this.#isFull(caller)) return false;
    const share = this.#budget.share(caller, key);
    share.add(RECORD_BYTES);
    const claim = await this.#reach(() => this.store.claim(key, this.#lifeMs)).catch((error: unknown) => {
      share.clear();
      throw error;
    });
    if (!claim) {
      share.clear();
      return false;
    }
    let over!: () => void;
    const end = new Promise<void>((resolve) => (over = resolve));
    this.#ends.set(key, end);
    this.#running.set(call, { claim, key, share, over });
    return true;
  }

  async #reach<T extends OnceState | OnceClaim | undefined>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const reason = `The store of calls cannot be reached: ${messageOf(error)}`;
      throw new TransientError(reason, 503, RETRY_SECONDS);
    }
  }

  /** Waits until an earlier run may be over. Rejects with the reason of the signal. */
  #wait({ activity: { signal } }: RpcCall, key: string, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = this.#ends.get(key);
      const done = () => {
        clearTimeout(timer);
        unfollow();
        resolve();
      };
      const timer = end ? undefined : setTimeout(done, ms);
      const unfollow = onAbort(signal, (reason) => {
        clearTimeout(timer);
        reject(reason);
      });
      void end?.then(done);
    });
  }

  #over(call: RpcCall, outcome: RpcOutcome): void {
    const running = this.#running.get(call);
    if (!running) return;
    const { claim, key, share, over } = running;
    this.#running.delete(call);
    this.#ends.delete(key);
    if (mayRunAgain(outcome)) {
      share.clear();
      claim.release();
    } else {
      claim.settle(this.#answerFor(outcome, call, share));
      this.#kept.add({ share, until: performance.now() + this.#lifeMs });
    }
    over();
  }

  #answerFor(outcome: RpcOutcome, { activity }: RpcCall, share: BudgetShare): Uint8Array {
    let answer: Uint8Array;
    try {
      answer = encodeAnswer(outcome, activity.activityId, this.options.errors ?? {});
    } catch {
      return unkept;
    }
    const { byteLength } = answer;
    if (byteLength > this.#answerBytes || this.#isFull(share.owner, byteLength)) return unkept;
    share.add(byteLength);
    return answer;
  }

  #isFull(caller: string, bytes = RECORD_BYTES): boolean {
    const { amount, limit } = this.#budget;
    return amount + bytes > limit || this.#budget.amountOf(caller) + bytes > SHARE * limit;
  }

  #sweep(): void {
    const now = performance.now();
    for (const each of this.#kept) {
      if (each.until > now) break;
      this.#kept.delete(each);
      each.share.clear();
    }
  }
}

/** Whether a call with this outcome has done nothing that must not be done again: its caller is asked to repeat it. */
function mayRunAgain({ kind, ...outcome }: RpcOutcome): boolean {
  if (kind === 'pending' || kind === 'notFound') return true;
  const { error } = outcome as { error?: unknown };
  return kind === 'error' && error instanceof TransientError && error.hasNoEffect;
}

function replay(answer: Uint8Array): unknown {
  const { isKnown, value } = readAnswer(answer);
  if (!isKnown) throw outcomeUnknown('The call has run, and its answer was not kept.');
  return value;
}

function outcomeUnknown(reason: string): NumberedError {
  return new NumberedError(GENERAL_ERROR, 'OutcomeUnknownError', `${reason} The call is not run again.`);
}

/** The platform's cryptography: every server has it. */
interface Digests {
  readonly subtle: { digest(algorithm: 'SHA-256', bytes: Uint8Array): Promise<ArrayBuffer> };
}

/**
 * Names a call by its caller, operation, activity and arguments, as they were sent. `NaN` and `undefined` have the key of `null`: on every
 * wire arguments are values of JSON, so that the method gets `null` for them. Infinity, which no client writes but JSON text can have
 * (`1e999`), has it as well: then the caller gets its own answer for `null`.
 */
async function keyOf(caller: string, call: RpcCall): Promise<string> {
  const { target, activity } = call;
  const { objects, data } = encodeValue(call.arguments);
  const names = [caller, target.method, activity.activityId, objects, ...data.map((each) => each.byteLength)];
  const bytes = joinBytes([encoder.encode(JSON.stringify(names)), ...data]);
  const digest = await (globalThis as unknown as { crypto: Digests }).crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
