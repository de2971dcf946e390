import { ActivityTraceRpcInterface } from '../src/common/activity-trace.rpc.js';
import { Activity, messageOf } from './activity.js';
import { ActivityPanel } from './activity.panel.js';
import { token } from './backends.js';
import type { Backend } from './backends.js';
import { tell } from './elements.js';

/** How often backends are asked what they know of an activity that goes on, in milliseconds. */
const ASK_MS = 1000;

/** Everything that somebody has made this page do. */
export class Activities {
  readonly #running = new Map<string, Activity>();
  readonly #backends: Backend[] = [];
  readonly #panel = new ActivityPanel();

  /** From now on, calls of this backend are shown, and it is asked what it did. */
  add(backend: Backend): void {
    this.#backends.push(backend);
    backend.client.addListener((event) => this.#running.get(event.activityId)?.follow(event));
  }

  /**
   * Begins an activity.
   *
   * @param work makes its calls with the activity's id; what it throws is told
   */
  async run(title: string, work: (activity: Activity) => Promise<void>): Promise<void> {
    const activity = new Activity(title, (changed) => this.#panel.update(changed));
    this.#running.set(activity.id, activity);
    this.#panel.update(activity);
    const done = work(activity).then(
      () => activity.finish(),
      (error: unknown) => {
        activity.finish(error);
        tell(messageOf(error));
      },
    );
    void this.#collect(activity, done);
    await done;
    this.#running.delete(activity.id);
  }

  async #collect(activity: Activity, done: Promise<void>): Promise<void> {
    while (activity.end === undefined) {
      await Promise.race([done, pause(ASK_MS)]);
      await this.#ask(activity);
    }
    // Backends may have gone on with what nobody waits for any more.
    await pause(3 * ASK_MS);
    await this.#ask(activity);
  }

  async #ask(activity: Activity): Promise<void> {
    const asking = this.#backends.map(async ({ name, client }) => {
      const trace = await client.client(ActivityTraceRpcInterface).traceActivity(token, activity.id);
      activity.addTrace(name, trace);
    });
    // One that cannot be reached has nothing to tell.
    await Promise.allSettled(asking);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
