/** Options of `HealthModule`. */
export interface HealthOptions {
  /** The path of the endpoints `live` and `ready`, below the global prefix. Default `health`. `false`: none. */
  readonly path?: string | false;
  /**
   * How long RPC and IPC are served after the shutdown has begun, in milliseconds: the time that a load balancer needs to notice
   * that this instance is not ready. Default 0.
   */
  readonly drainDelayMs?: number;
  /** Above this delay of the event loop this instance is not ready, in milliseconds. Default 1,000. */
  readonly maxEventLoopDelayMs?: number;
  /**
   * The backends that this one cannot work without, by name. A function that throws or rejects reports that its backend cannot be
   * reached, as `client.ready()` does.
   */
  readonly backends?: Readonly<Record<string, () => unknown>>;
  /** How long the check of a backend may take, in milliseconds. Default 2,000. */
  readonly backendTimeoutMs?: number;
}

/** The state of an instance. */
export interface HealthReport {
  /** `up`: it wants requests. `down`: it does not. */
  readonly status: 'up' | 'down';
  /** Whether the shutdown has begun. */
  readonly draining: boolean;
  /** The 99th percentile of the delay of the event loop in the last seconds, in milliseconds. */
  readonly eventLoopDelayMs: number;
  /** The open sessions of IPC; 0 without `IpcModule`. */
  readonly sessions: number;
  /** Which backends can be reached. */
  readonly backends: Readonly<Record<string, 'up' | 'down'>>;
}
