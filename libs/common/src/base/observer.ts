// The one place from which calls, sessions and messages are seen from outside: traces, metrics, an inspector. Without an
// observer each of these places costs one comparison.

/**
 * The trace that a call belongs to, as [W3C Trace Context](https://www.w3.org/TR/trace-context/) and Baggage write it: the
 * values of `traceparent`, `tracestate` and `baggage`. An absent value is `''`.
 */
export type TraceFields = readonly [traceparent: string, tracestate: string, baggage: string];

/** A call, or a notification, at one of its ends. */
export interface ObservedCall {
  /** The end at which it is observed. */
  readonly side: 'client' | 'server';
  /** An operation of an RPC interface, a method of a channel, or a message without an answer. */
  readonly kind: 'rpc' | 'ipc' | 'notification';
  /** How it travels. */
  readonly transport: 'http' | 'ipc' | 'message';
  /**
   * `Interface/operation`, `channel/method`, or the channel alone where it answers every method. At the server only names
   * that the application has declared: a peer cannot make one.
   */
  readonly name: string;
  /** The id of the activity; `''` if it has none. */
  readonly activityId: string;
  /** The IPC session; `undefined` over HTTP, and at the frontend. */
  readonly sessionId?: string | undefined;
  /** At the server: the trace that the caller sent. */
  readonly trace?: TraceFields | undefined;
  /** At the client: the URL of the server, if it is known. */
  readonly address?: string | undefined;
  /** At the server, over HTTP: the request of the platform. */
  readonly request?: unknown;
}

/** Something that happens while a call runs. */
export type CallStep =
  | { readonly kind: 'retry'; readonly reason: string }
  | { readonly kind: 'pending' }
  /** The call waits for its turn. */
  | { readonly kind: 'waits' }
  /** The call has waited for its turn, in milliseconds, or was given up. */
  | { readonly kind: 'waited'; readonly ms: number }
  /** An item of its result. */
  | { readonly kind: 'item'; readonly value: unknown };

/** The end of a call. `left`: the reader of a stream has left before its end. */
export type CallEnd =
  | { readonly kind: 'result' | 'pending' | 'notFound' | 'noContent' | 'left' }
  | { readonly kind: 'error'; readonly error: unknown };

/** Follows one call. Its functions never throw. */
export interface CallWatch {
  /** Travels to the server with the requests of the call. */
  readonly trace: TraceFields | undefined;
  /** Set if it does nothing but {@link run}: the steps and the end of the call need not be reported. */
  readonly isPassive?: boolean;
  /** Runs work of the call, so that what it starts belongs to the call. Returns or throws as the work does. */
  run<T>(work: () => T): T;
  /** Is called at each step. */
  step(step: CallStep): void;
  /** Is called when the call is over. Further calls do nothing. */
  end(end: CallEnd): void;
}

/** An IPC session at one of its ends. */
export interface ObservedSession {
  /** The end at which it is observed. */
  readonly side: 'client' | 'server';
  /** The id of the session; `''` on the compatible wire at the frontend. */
  readonly id: string;
}

/** Follows one session. Its functions never throw. */
export interface SessionWatch {
  /** Its connection is broken, and it waits for another one. */
  interrupted(): void;
  /** It has another connection. */
  resumed(): void;
  /** It is over, with a code of WebSocket. */
  ended(code: number): void;
}

/** A line that a logger writes within a call. */
export interface ObservedLine {
  /** The activity of the call. */
  readonly activityId: string;
  /** `log`, `error`, `warn`, `debug`, `verbose` or `fatal`. */
  readonly level: string;
  /** The source of the line, usually the name of a class; `''` without one. */
  readonly context: string;
  /** The message, as it was given to the logger. */
  readonly message: unknown;
}

/** Sees calls and sessions. Its functions never throw. A missing one sees nothing. */
export interface Observer {
  /** Whether it uses the trace that a caller sends. Without such an observer the trace is not read. */
  readonly followsTraces?: boolean;
  /** A call has begun. @returns follows it; `undefined` if nothing does */
  call?(call: ObservedCall): CallWatch | undefined;
  /** A session has begun. @returns follows it; `undefined` if nothing does */
  session?(session: ObservedSession): SessionWatch | undefined;
  /** Something was refused before it was a call. @param reason one of a fixed set of words */
  refused?(reason: string): void;
  /** A frame of a session at the backend. */
  frame?(direction: 'in' | 'out', bytes: number): void;
  /** A part of the body of a call over HTTP at the server: of the request after decompression, or of the reply as it is sent. */
  body?(direction: 'in' | 'out', bytes: number): void;
  /** The body of a reply was compressed. */
  compressed?(before: number, after: number): void;
  /** Items of a stream over IPC have been sent, or were taken by their reader if the bytes are negative. */
  unread?(bytes: number): void;
  /** The producer of a stream over IPC waits, because its reader has not taken a whole window of items. */
  windowFull?(): void;
  /** The fields that log lines of the running code have. */
  logFields?(): Readonly<Record<string, string>>;
  /** A logger of Linnet writes a line within a call. */
  line?(line: ObservedLine): void;
}

/** The observer of this process or page, which may stand for several; `undefined` without one. Set by {@link observe} only. */
export let observer: Observer | undefined;
let observers: readonly Observer[] = [];

/**
 * Adds an observer. It follows the calls and sessions that begin from now on.
 *
 * @returns a function that removes it
 * @throws Error if it is one already
 */
export function observe(one: Observer): () => void {
  if (observers.includes(one)) throw new Error('This observer sees all calls already.');
  use([...observers, one]);
  return () => use(observers.filter((each) => each !== one));
}

function use(all: readonly Observer[]): void {
  observers = all;
  observer = all.length > 1 ? joined(all) : all[0];
}

/**
 * Follows a call that settles as a promise. Without an observer it only runs the work.
 *
 * @param settled tells the observer how a call has ended that resolves with this value. Default: with a result
 */
export function watched<T>(
  call: () => ObservedCall,
  work: (watch: CallWatch | undefined) => Promise<T>,
  settled: (value: T, watch: CallWatch) => T = endWithResult,
): Promise<T> {
  const watch = observer?.call?.(call());
  return watch ? followed(watch, work, settled) : work(undefined);
}

function endWithResult<T>(value: T, watch: CallWatch): T {
  watch.end({ kind: 'result' });
  return value;
}

async function followed<T>(
  watch: CallWatch,
  work: (watch: CallWatch) => Promise<T>,
  settled: (value: T, watch: CallWatch) => T,
): Promise<T> {
  try {
    return settled(await watch.run(() => work(watch)), watch);
  } catch (error) {
    watch.end({ kind: 'error', error });
    throw error;
  }
}

/** Reports a message without an answer, which is about to be sent. @returns the trace that travels with it */
export function sentNotice(name: string, sessionId?: string): TraceFields | undefined {
  const watch = observer?.call?.({
    side: 'client',
    kind: 'notification',
    transport: 'ipc',
    name,
    activityId: '',
    sessionId,
  });
  if (!watch) return undefined;
  if (!watch.isPassive) watch.end({ kind: 'result' });
  return watch.trace;
}

/** Observers as one, which has only the functions that one of them has: a missing one costs less than an empty one. */
function joined(all: readonly Observer[]): Observer {
  const has = (name: keyof Observer) => all.some((each) => each[name] !== undefined);
  const each = (show: (one: Observer) => void) => all.forEach(show);
  return {
    followsTraces: all.some(({ followsTraces }) => followsTraces),
    ...(has('call') && { call: (call) => joinedCall(all.flatMap((one) => one.call?.(call) ?? [])) }),
    ...(has('session') && {
      session: (session) => joinedSession(all.flatMap((one) => one.session?.(session) ?? [])),
    }),
    ...(has('refused') && { refused: (reason) => each((one) => one.refused?.(reason)) }),
    ...(has('frame') && { frame: (direction, bytes) => each((one) => one.frame?.(direction, bytes)) }),
    ...(has('body') && { body: (direction, bytes) => each((one) => one.body?.(direction, bytes)) }),
    ...(has('compressed') && {
      compressed: (before, after) => each((one) => one.compressed?.(before, after)),
    }),
    ...(has('unread') && { unread: (bytes) => each((one) => one.unread?.(bytes)) }),
    ...(has('windowFull') && { windowFull: () => each((one) => one.windowFull?.()) }),
    ...(has('logFields') && {
      logFields: () => Object.assign({}, ...all.map((one) => one.logFields?.())) as Record<string, string>,
    }),
    ...(has('line') && { line: (line) => each((one) => one.line?.(line)) }),
  };
}

function joinedCall(all: readonly CallWatch[]): CallWatch | undefined {
  const [first, ...others] = all;
  if (!first || others.length === 0) return first;
  return {
    get trace() {
      return all.find(({ trace }) => trace !== undefined)?.trace;
    },
    run: (work) => all.reduceRight((inner, each) => () => each.run(inner), work)(),
    step: (step) => all.forEach((each) => each.step(step)),
    end: (end) => all.forEach((each) => each.end(end)),
  };
}

function joinedSession(all: readonly SessionWatch[]): SessionWatch | undefined {
  if (all.length < 2) return all[0];
  return {
    interrupted: () => all.forEach((each) => each.interrupted()),
    resumed: () => all.forEach((each) => each.resumed()),
    ended: (code) => all.forEach((each) => each.ended(code)),
  };
}
