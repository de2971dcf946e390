import { ActivityTraceRpcInterface } from '../../src/common/activity-trace.rpc.js';
import type { TracedSpan } from '../../src/common/activity-trace.rpc.js';
import { Activity, messageOf } from './activity.js';
import type { PageTrace } from './activity.js';
import { ActivityPanel } from './activity.panel.js';
import { token } from '../backend/backends.js';
import type { Backend } from '../backend/backends.js';
import { announce } from '../dom/elements.js';

/** The interval at which backends are asked for the trace of a running activity, in milliseconds. */
const POLL_MS = 1000;

/** Makes traces, and keeps the spans of this page. */
export interface PageTracing {
  begin(title: string): PageTrace;
  spansOf(traceId: string): TracedSpan[];
}

/** The activities of this page: each starts with a click or a key, and ends with its last call. */
export class Activities {
  readonly #running = new Map<string, Activity>();
  readonly #backends: Backend[] = [];
  readonly #panel = new ActivityPanel();

  /** @param tracing makes a trace of each activity. Default: none */
  constructor(private readonly tracing?: PageTracing) {}

  /** Shows the calls to a backend, and its traces, from now on. */
  add(backend: Backend): void {
    this.#backends.push(backend);
    backend.client.addListener((event) => this.#running.get(event.activityId)?.follow(event));
  }

  /**
   * Begins an activity.
   *
   * @param work makes its calls with the activity's id; its error is shown to the user
   */
  async run(title: string, work: (activity: Activity) => Promise<void>): Promise<void> {
    const activity = new Activity(
      title,
      (changed) => this.#panel.update(changed),
      this.tracing?.begin(title),
    );
    this.#running.set(activity.id, activity);
    this.#panel.update(activity);
    const done = work(activity).then(
      () => activity.finish(),
      (error: unknown) => {
        activity.finish(error);
        announce(messageOf(error));
      },
    );
    void this.#collect(activity, done);
    await done;
    this.#running.delete(activity.id);
  }

  async #collect(activity: Activity, done: Promise<void>): Promise<void> {
    while (activity.end === undefined) {
      await Promise.race([done, pause(POLL_MS)]);
      await this.#fetchTraces(activity);
    }
    // A backend may go on with work after its caller has stopped waiting.
    await pause(3 * POLL_MS);
    await this.#fetchTraces(activity);
  }

  async #fetchTraces(activity: Activity): Promise<void> {
    const fetching = this.#backends.map(async ({ name, client }) => {
      const trace = await client.client(ActivityTraceRpcInterface).traceActivity(token, activity.id);
      activity.addTrace(name, trace);
      const { traceId } = activity;
      if (traceId === undefined) return;
      activity.addSpans(this.tracing!.spansOf(traceId));
      activity.addSpans(await client.client(ActivityTraceRpcInterface).traceSpans(token, traceId));
    });
    // A backend that cannot be reached adds no trace.
    await Promise.allSettled(fetching);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
