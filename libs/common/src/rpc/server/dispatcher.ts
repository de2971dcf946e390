import { GENERAL_ERROR, IModelError, incompatibleVersion } from '../../error/imodel.error.js';
import { observer } from '../../base/observer.js';
import { CallQueue } from '../../call/call.queue.js';
import { afterCheck, checksOf } from '../../call/call.checks.js';
import { checkError } from '../../call/checked.value.js';
import type { CallChecks, CheckArguments } from '../../call/call.checks.js';
import { resultOf as settledResult, runBare, settleResult } from '../../call/result.js';
import type { RunInActivity } from '../../call/result.js';
import { streamOf, unboundItems } from '../../call/stream.result.js';
import type { BindItems } from '../../call/stream.result.js';
import { IModelStatus } from '../../error/status.table.js';
import { ALREADY_ANSWERED } from './call.js';
import { OnceCalls } from './once.calls.js';
import type { OnceOptions } from './once.calls.js';
import { OnceEntrance } from './once.entrance.js';
import { observedOutcome, subjectOf } from './observed.call.js';
import type { RpcCall, RpcHandler, RpcOperationTarget, RpcOutcome, SettledOutcome } from './call.js';
import {
  defaultOperationPolicy,
  operationKey,
  operationPolicy,
  operationsOf,
} from '../definition/definition.js';
import type { RpcInterfaceDefinition, RpcOperationPolicy } from '../definition/definition.js';
import { StreamResult } from '../../stream/stream.js';
import { RpcNotFoundResponse, RpcPendingResponse } from '../../error/control.response.js';
import { CONTROL_VERSION } from '../definition/endpoint.js';
import type { RpcEndpoint } from '../definition/endpoint.js';
import { isVersionCompatible } from '../definition/version.js';

/** Answers the operations of one definition. */
export interface RpcImplementation {
  /** The name in messages, usually the name of the class. */
  readonly name: string;
  /**
   * The handler of a declared operation; `undefined` if the implementation lacks it.
   *
   * @param checkArguments given if `checksArguments` is `true` and the arguments have schemas
   * @param once given for an operation that runs once, if `checksArguments` is `true`: the handler enters it behind its guards
   */
  handlerOf(
    operation: string,
    policy: RpcOperationPolicy,
    checkArguments?: CheckArguments,
    once?: OnceEntrance,
  ): RpcHandler | undefined;
  /** The method of the implementation, which may have its own policy. */
  methodOf?(operation: string): object | undefined;
  /** Whether its handlers check the arguments, so that its guards run first. Default: they are checked before the handler. */
  readonly checksArguments?: boolean;
  /** Whether it passes calls on to another server, which checks them by their schemas. Default `false`. */
  readonly isRelay?: boolean;
}

/** The rules for versions and for calls. */
export interface RpcDispatcherOptions {
  /** Decides which versions of a client are served; default: the rule of iTwin.js. */
  isCompatible?: (backend: string, frontend: string) => boolean;
  /** The most waiting calls of an operation with a `concurrency`. */
  waitingCalls: number;
  /** Makes the activity of a call current for everything that its result starts. Default: no activity is tracked. */
  run?: RunInActivity | undefined;
  /** Makes streams keep the asynchronous context of their call. Default: no context is tracked. */
  bindItems?: BindItems | undefined;
  /** How calls that run once are remembered. */
  once?: OnceOptions | undefined;
}

interface Service {
  readonly definition: RpcInterfaceDefinition;
  /** By operation name. A map, so that a peer cannot reach a prototype. */
  readonly operations: Map<string, RpcOperationTarget>;
}

/** Finds operations by name and version, runs them, and turns every result and error into an outcome. */
export class RpcDispatcher {
  readonly #services = new Map<string, Service>();
  readonly #run: RunInActivity;
  /** Remembers calls that run once. */
  readonly once: OnceCalls;
  /** Only `true` means compatible. */
  readonly #isCompatible: (backend: string, frontend: string) => unknown;
  /** Counts removed and replaced definitions, so that caches of targets notice them. */
  revision = 0;
  readonly #control: RpcOperationTarget = {
    definition: class {
      static readonly interfaceName = '';
      static readonly interfaceVersion = CONTROL_VERSION;
    },
    operation: 'describeEndpoints',
    method: '/describeEndpoints',
    policy: defaultOperationPolicy,
    handler: () => this.describeEndpoints(),
  };

  constructor(private readonly options: RpcDispatcherOptions) {
    this.#run = options.run ?? runBare;
    this.once = new OnceCalls(options.once ?? {}, this.#run);
    this.#isCompatible = options.isCompatible ?? isVersionCompatible;
  }

  /**
   * Registers a definition.
   *
   * @throws Error if the definition cannot be served, or another one has its name
   */
  register(definition: RpcInterfaceDefinition, implementation: RpcImplementation): void {
    const service = this.#serviceOf(definition, implementation);
    if (this.#services.has(definition.interfaceName))
      throw new Error(`Two implementations of RPC interface "${definition.interfaceName}".`);
    this.#services.set(definition.interfaceName, service);
  }

  /**
   * Registers a definition in place of the one with its name, if there is one. Running calls end with the implementation
   * that they began with.
   *
   * @throws Error if the definition cannot be served
   */
  replace(definition: RpcInterfaceDefinition, implementation: RpcImplementation): void {
    this.#services.set(definition.interfaceName, this.#serviceOf(definition, implementation));
    this.revision++;
  }

  /** Removes an interface. */
  unregister(interfaceName: string): void {
    if (this.#services.delete(interfaceName)) this.revision++;
  }

  #serviceOf(definition: RpcInterfaceDefinition, implementation: RpcImplementation): Service {
    const operations = new Map<string, RpcOperationTarget>();
    for (const operation of operationsOf(definition)) {
      const name = `${implementation.name}.${operation}`;
      const policy = operationPolicy(definition, operation, implementation.methodOf?.(operation));
      const { concurrency } = policy;
      if (concurrency !== Infinity && !(Number.isInteger(concurrency) && concurrency > 0))
        throw new Error(`${name}: a concurrency of ${concurrency} lets no call through.`);
      const checks = implementation.isRelay
        ? undefined
        : checksOf(`${definition.interfaceName}.${operation}`, policy.schemas, policy.stream);
      const own = implementation.checksArguments ? checks?.checkArguments : undefined;
      const isOnce = policy.idempotency === 'once' && !implementation.isRelay;
      const once = isOnce ? new OnceEntrance(name, policy, this.once, this.options) : undefined;
      const entered = implementation.checksArguments ? once : undefined;
      const handler =
        implementation.handlerOf(operation, policy, own, entered) ??
        (() => notImplemented(implementation.name, operation));
      const whole = once
        ? handler
        : this.#limited(policy.stream ? this.#streaming(handler) : handler, policy.concurrency);
      const checked = checks ? this.#checking(whole, checks, own) : whole;
      operations.set(operation, {
        definition,
        operation,
        // Made once: names are keys of observers.
        method: `${definition.interfaceName}/${operation}`,
        policy,
        handler: once ? this.#keeping(once.around(checked, entered !== undefined)) : checked,
      });
    }
    return { definition, operations };
  }

  /** Whether an interface of this name is served. */
  serves(interfaceName: string): boolean {
    return this.#services.has(interfaceName);
  }

  /**
   * Finds an operation by the names in a request.
   *
   * @throws IModelError if the interface or the operation is not served, or its version does not fit
   */
  lookup(interfaceName: string, version: string, operation: string): RpcOperationTarget {
    const service = this.#services.get(interfaceName);
    const target = service?.operations.get(operationKey(operation));
    if (target && this.#isCompatible(target.definition.interfaceVersion, version) === true) return target;
    if (version === CONTROL_VERSION && operation === this.#control.operation) return this.#control;
    if (!service)
      throw new IModelError(GENERAL_ERROR, `RPC interface "${interfaceName}" is not initialized.`);
    if (target) throw incompatibleVersion(target.definition.interfaceVersion, version, target.operation);
    // The doubled "does not" is the reference's text, which clients may look for.
    throw new IModelError(
      GENERAL_ERROR,
      `RPC interface class "${service.definition.interfaceName}" does not does not declare operation "${operationKey(operation)}"`,
    );
  }

  /**
   * Runs a call. Never throws.
   *
   * @param settle called once with the outcome; a callback, because each promise adds measurable time to a small call
   */
  dispatch(call: RpcCall, settle: (outcome: RpcOutcome) => void): void {
    const watch = observer?.call?.(subjectOf(call));
    if (!watch) {
      this.#dispatch(call, settle);
      return;
    }
    if (watch.isPassive) {
      watch.run(() => this.#dispatch(call, settle));
      return;
    }
    call.activity.watch = watch;
    watch.run(() => this.#dispatch(call, (outcome) => settle(observedOutcome(outcome, watch))));
  }

  #dispatch(call: RpcCall, settle: (outcome: RpcOutcome) => void): void {
    settleResult(
      () => call.target.handler(call),
      (value) => settle(resultOf(value)),
      (error) => checkError(error, (checked) => settle(outcomeOf(checked))),
      call.activity,
      this.#run,
    );
  }

  /** All interfaces served here, in the order of registration. */
  describeEndpoints(): RpcEndpoint[] {
    return [...this.#services.values()].map(({ definition, operations }) => ({
      interfaceName: definition.interfaceName,
      interfaceVersion: definition.interfaceVersion,
      operationNames: [...operations.keys()],
      compatible: true,
    }));
  }

  #keeping(handler: RpcHandler): RpcHandler {
    return this.once.keeping(handler, (value, isError) => (isError ? outcomeOf(value) : resultOf(value)));
  }

  #streaming(handler: RpcHandler): RpcHandler {
    const { bindItems = unboundItems } = this.options;
    return (call) => {
      const { definition, operation } = call.target;
      const name = `${definition.interfaceName}.${operation}`;
      return streamOf(() => handler(call), name, call.activity, this.#run, bindItems);
    };
  }

  #checking(
    handler: RpcHandler,
    { checkArguments, checkResult }: CallChecks,
    own: CheckArguments | undefined,
  ): RpcHandler {
    const check = own ? undefined : checkArguments;
    const checked: RpcHandler = check
      ? (call) => afterCheck(check, call.arguments, () => handler(call))
      : handler;
    if (!checkResult) return checked;
    return (call) =>
      settledResult(() => checked(call), call.activity, this.#run).then((value) =>
        value === ALREADY_ANSWERED ? value : checkResult(value),
      );
  }

  #limited(handler: RpcHandler, concurrency: number): RpcHandler {
    if (concurrency === Infinity) return handler;
    const queue = new CallQueue(concurrency, this.options.waitingCalls);
    return (call) =>
      queue.run(
        () => settledResult(() => handler(call), call.activity, this.#run),
        () => call.activity.signal,
        call.activity.watch,
      );
  }
}

function resultOf(value: unknown): RpcOutcome {
  if (value === ALREADY_ANSWERED) return { kind: 'answered' };
  return value instanceof StreamResult ? { kind: 'stream', items: value.items } : { kind: 'result', value };
}

/** The outcome of a thrown value: a control response or an error. */
export function outcomeOf(thrown: unknown): SettledOutcome {
  try {
    return classify(thrown);
  } catch {
    // A proxy may throw at `instanceof`.
    return { kind: 'error', error: new Error('The thrown value cannot be inspected.') };
  }
}

function classify(thrown: unknown): SettledOutcome {
  // The filter of a stream that fails before its first item has answered.
  if (thrown === ALREADY_ANSWERED) return { kind: 'answered' };
  if (thrown instanceof RpcPendingResponse) return { kind: 'pending', message: thrown.message };
  if (thrown instanceof RpcNotFoundResponse) return { kind: 'notFound', response: thrown };
  if (thrown instanceof Error && (thrown as { errorNumber?: unknown }).errorNumber === IModelStatus.NoContent)
    return { kind: 'noContent', error: thrown };
  return { kind: 'error', error: thrown };
}

/** @throws IModelError if the implementation lacks an operation that its definition declares */
export function notImplemented(implementation: string, operation: string): never {
  throw new IModelError(
    GENERAL_ERROR,
    `RPC interface class "${implementation}" does not implement operation "${operation}".`,
  );
}
