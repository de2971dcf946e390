import type { Attributes, Counter, Histogram, Meter, UpDownCounter } from '@opentelemetry/api';
import type {
  CallEnd,
  CallStep,
  CallWatch,
  ObservedCall,
  ObservedSession,
  SessionWatch,
  TraceFields,
} from '../base/observer.js';
import { errorType } from './error.type.js';

/** Names of calls that are kept as they are. A client that names channels at random gets `_OTHER` for the rest. */
const MAX_NAMES = 2000;

/** Seconds, as the conventions for RPC have them. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Parts of the length before compression. */
const ratios = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** Attributes of instruments that every call uses, made once. */
const sides = { client: { side: 'client' }, server: { side: 'server' } };
const directions = { in: { direction: 'in' }, out: { direction: 'out' } };

/** The delay of the event loop: an `IntervalHistogram` of `node:perf_hooks`, in nanoseconds. */
export interface EventLoopDelay {
  /** The delay that a part of the samples, in percent, does not exceed. */
  percentile(percent: number): number;
  /** Forgets all samples. */
  reset(): void;
}

/** The instruments of all calls and sessions. */
export class Meters {
  readonly durations: Record<'client' | 'server', Histogram>;
  readonly active: UpDownCounter;
  readonly waiting: UpDownCounter;
  readonly waits: Histogram;
  readonly repetitions: Counter;
  readonly items: Counter;
  readonly #notices: Counter;
  readonly #sessions: UpDownCounter;
  readonly #resumes: Counter;
  readonly #refusals: Counter;
  readonly #frames: Counter;
  readonly #bytes: Counter;
  readonly #bodies: Counter;
  readonly #ratios: Histogram;
  readonly #unread: UpDownCounter;
  readonly #fullWindows: Counter;
  readonly #methods = new Names((name) => ({ 'rpc.system.name': 'linnet', 'rpc.method': name }));
  readonly #destinations = new Names((name) => {
    const destination = { 'messaging.system': 'linnet', 'messaging.destination.name': name };
    return { client: { ...destination, direction: 'out' }, server: { ...destination, direction: 'in' } };
  });

  constructor(meter: Meter, eventLoop?: EventLoopDelay) {
    const duration = (side: string) =>
      meter.createHistogram(`rpc.${side}.call.duration`, {
        description: `The duration of calls at the ${side}`,
        unit: 's',
        advice: { explicitBucketBoundaries: boundaries },
      });
    this.durations = { client: duration('client'), server: duration('server') };
    this.active = meter.createUpDownCounter('linnet.calls.active', { description: 'Calls in flight' });
    this.waiting = meter.createUpDownCounter('linnet.calls.waiting', {
      description: 'Calls that wait for others',
    });
    this.waits = meter.createHistogram('linnet.call.wait.duration', {
      description: 'How long calls have waited for others',
      unit: 's',
      advice: { explicitBucketBoundaries: boundaries },
    });
    this.repetitions = meter.createCounter('linnet.call.repetitions', {
      description: 'Requests after a fault or a pending answer, at the client',
    });
    this.items = meter.createCounter('linnet.stream.items', {
      description: 'Items of results that are streams',
    });
    this.#notices = meter.createCounter('linnet.notifications', {
      description: 'Messages without an answer',
    });
    this.#sessions = meter.createUpDownCounter('linnet.sessions', { description: 'Sessions by state' });
    this.#resumes = meter.createCounter('linnet.session.resumes', {
      description: 'Sessions that have resumed',
    });
    this.#refusals = meter.createCounter('linnet.refusals', {
      description: 'Requests, calls and upgrades that were refused before they began',
    });
    this.#frames = meter.createCounter('linnet.ipc.frames', {
      description: 'Frames of sessions at the backend',
    });
    this.#bytes = meter.createCounter('linnet.ipc.io', {
      description: 'Bytes in frames of sessions at the backend',
      unit: 'By',
    });
    this.#bodies = meter.createCounter('linnet.http.io', {
      description: 'Bytes in bodies of calls over HTTP and NATS at the server',
      unit: 'By',
    });
    this.#ratios = meter.createHistogram('linnet.http.compression.ratio', {
      description: 'The length of compressed replies, as a part of their length before',
      unit: '1',
      advice: { explicitBucketBoundaries: ratios },
    });
    this.#unread = meter.createUpDownCounter('linnet.stream.unread', {
      description: 'Bytes of stream items over IPC that their readers have not taken',
      unit: 'By',
    });
    this.#fullWindows = meter.createCounter('linnet.stream.full_windows', {
      description: 'How often a stream over IPC had to wait, because its window was full',
    });
    if (eventLoop) watchEventLoop(meter, eventLoop);
  }

  /** Counts a call, and passes everything on to its span. */
  call({ side, kind, name }: ObservedCall, span: CallWatch | undefined): CallWatch | undefined {
    if (kind !== 'notification') return new MeteredCall(this, side, this.#methods.of(name), span);
    this.#notices.add(1, this.#destinations.of(name)[side]);
    return span;
  }

  /** Counts a session, and passes everything on to its span. */
  session({ side }: ObservedSession, span: SessionWatch | undefined): SessionWatch {
    let state = 'connected';
    const change = (next: string | undefined) => {
      this.#sessions.add(-1, { side, state });
      if (next === undefined) return;
      state = next;
      this.#sessions.add(1, { side, state });
    };
    this.#sessions.add(1, { side, state });
    return {
      interrupted: () => {
        change('away');
        span?.interrupted();
      },
      resumed: () => {
        change('connected');
        this.#resumes.add(1, sides[side]);
        span?.resumed();
      },
      ended: (code) => {
        change(undefined);
        span?.ended(code);
      },
    };
  }

  refused(reason: string): void {
    this.#refusals.add(1, { reason });
  }

  frame(direction: 'in' | 'out', bytes: number): void {
    this.#frames.add(1, directions[direction]);
    this.#bytes.add(bytes, directions[direction]);
  }

  body(direction: 'in' | 'out', bytes: number): void {
    this.#bodies.add(bytes, directions[direction]);
  }

  compressed(before: number, after: number): void {
    if (before > 0) this.#ratios.record(after / before);
  }

  unread(bytes: number): void {
    this.#unread.add(bytes);
  }

  windowFull(): void {
    this.#fullWindows.add(1);
  }
}

/** Attributes of names, made once for each. */
class Names<T> {
  readonly #known = new Map<string, T>();
  #others: T | undefined;

  constructor(private readonly make: (name: string) => T) {}

  of(name: string): T {
    const known = this.#known.get(name);
    if (known) return known;
    if (this.#known.size >= MAX_NAMES) return (this.#others ??= this.make('_OTHER'));
    const made = this.make(name);
    this.#known.set(name, made);
    return made;
  }
}

/** Counts one call, and passes everything on to its span. */
class MeteredCall implements CallWatch {
  readonly #since = performance.now();
  #isOver = false;

  constructor(
    private readonly meters: Meters,
    private readonly side: 'client' | 'server',
    private readonly attributes: Attributes,
    private readonly span: CallWatch | undefined,
  ) {
    meters.active.add(1, sides[side]);
  }

  get trace(): TraceFields | undefined {
    return this.span?.trace;
  }

  run<T>(work: () => T): T {
    return this.span ? this.span.run(work) : work();
  }

  step(step: CallStep): void {
    const { meters, attributes, side } = this;
    if (step.kind === 'item') meters.items.add(1, { ...attributes, side });
    else if (step.kind === 'waits') meters.waiting.add(1);
    else if (step.kind === 'waited') {
      meters.waiting.add(-1);
      meters.waits.record(step.ms / 1000, attributes);
    } else meters.repetitions.add(1, { ...attributes, reason: step.kind });
    this.span?.step(step);
  }

  end(end: CallEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { meters, attributes, side } = this;
    meters.active.add(-1, sides[side]);
    const all = end.kind === 'error' ? { ...attributes, 'error.type': errorType(end.error) } : attributes;
    meters.durations[side].record((performance.now() - this.#since) / 1000, all);
    this.span?.end(end);
  }
}

function watchEventLoop(meter: Meter, delay: EventLoopDelay): void {
  const gauge = meter.createObservableGauge('nodejs.eventloop.delay.p99', {
    description: 'The delay that one of a hundred timers exceeds',
    unit: 's',
  });
  gauge.addCallback((result) => {
    const seconds = delay.percentile(99) / 1e9;
    if (Number.isFinite(seconds)) result.observe(seconds);
    delay.reset();
  });
}
