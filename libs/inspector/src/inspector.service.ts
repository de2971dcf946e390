import type { IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IpcServer, IpcSession } from '@linnet/common';
import type { Overview } from './channel/inspector.ipc.js';
import type { InspectorOptions } from './inspector.options.js';
import { OtherInspectors } from './others/other.inspectors.js';
import { Recorder } from './record/recorder.js';
import { pause } from './record/tail.js';
import { SessionsView } from './view/sessions.view.js';

/** How often the state of the backend is sent, in milliseconds. */
const WATCH_MS = 1000;
const LOOP_RESOLUTION_MS = 10;

/** Records while an inspector is open, and nothing otherwise. */
export class InspectorService {
  readonly sessions: SessionsView;
  readonly others: OtherInspectors;
  readonly slowMs: number;
  readonly name: string;
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #open = new Set<IpcSession>();
  readonly #pages = new Set<IpcSession>();
  #recorder: Recorder | undefined;
  #latest: { readonly at: number; readonly overview: Overview } | undefined;

  /** @param server returns the sessions of the application, if it has any */
  constructor(
    private readonly options: InspectorOptions,
    server: () => IpcServer | undefined,
  ) {
    const { slowMs = 500, name = 'backend', others = {}, userName } = options;
    this.slowMs = slowMs;
    this.name = name;
    this.sessions = new SessionsView(server, userName);
    this.others = new OtherInspectors(others);
  }

  /** The record since the inspector was opened. */
  get recorder(): Recorder {
    return (this.#recorder ??= this.#start());
  }

  /** An inspector is open until its session is over: a page, or another backend that asks for one. */
  opened(session: IpcSession): void {
    this.#open.add(session);
    this.#recorder ??= this.#start();
    void session.closed.then(() => {
      this.#open.delete(session);
      // Two backends that have each other's inspector open would keep it open for ever.
      if (this.#pages.delete(session) && this.#pages.size === 0) this.others.close();
      if (this.#open.size === 0) this.#stop();
    });
  }

  /** A page needs the inspectors of the other backends, while it is open. */
  openedPage(session: IpcSession): void {
    this.#pages.add(session);
    this.others.open();
  }

  /** Returns the verdict of `authorize` about a request. */
  async permission(request: IncomingMessage): Promise<boolean | 'read'> {
    const { authorize = isLoopback } = this.options;
    const verdict = await authorize(request);
    return verdict === true || verdict === 'read' ? verdict : false;
  }

  /** The state of the backend, once a second. */
  async *watch(signal: AbortSignal): AsyncGenerator<Overview> {
    while (!signal.aborted) {
      yield this.#overview();
      await pause(WATCH_MS, signal);
    }
  }

  /** The state of the backend. Pages share it, because each reading begins another measurement of the event loop. */
  #overview(): Overview {
    const at = performance.now();
    if (!this.#latest || at - this.#latest.at >= WATCH_MS / 2) this.#latest = { at, overview: this.#read() };
    return this.#latest.overview;
  }

  #read(): Overview {
    const { recorder } = this;
    const { methods, selection, running, errorsPerSecond, perSecond, refusals } = recorder;
    const loopDelay = Math.max(0, this.#loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS) || 0;
    this.#loop.reset();
    return {
      now: Date.now(),
      weight: selection.weight,
      perSecond,
      running: running.count,
      errorsPerSecond,
      ...this.sessions.counts,
      loopDelay,
      heap: process.memoryUsage().heapUsed,
      refusals: [...refusals],
      methods: methods.rows(),
      known: methods.size,
    };
  }

  #start(): Recorder {
    const { logLines = true } = this.options;
    this.#loop.enable();
    return new Recorder({
      slowMs: this.slowMs,
      lines: logLines,
      hasSession: (id) => this.sessions.has(id),
    });
  }

  #stop(): void {
    this.#loop.disable();
    this.#recorder?.stop();
    this.#recorder = undefined;
    this.#latest = undefined;
  }
}

/** Whether a request comes from this computer. */
function isLoopback({ socket }: IncomingMessage): boolean {
  return /^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '');
}
