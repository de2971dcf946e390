import cluster from 'node:cluster';
import { BackplaneError } from '@linnet/common';
import type {
  BackplaneEntry,
  BackplaneEvents,
  BackplaneFailure,
  BackplaneLog,
  BackplaneNode,
  IpcBackplane,
} from '@linnet/common';
import { ClusterHub } from './cluster.hub.js';
import { readMessage, sendOver } from './process.channel.js';
import type { ProcessChannel } from './process.channel.js';

/** Options of {@link serveClusterBackplane}. */
export interface ClusterBackplaneServerOptions {
  /**
   * Most bytes of frames that wait in the primary process for one worker. Past it the worker misses frames, and its log says so.
   * Default 64 MiB, as of the frames that a node has on their way.
   */
  readonly waitingBytes?: number;
}

/** Options of {@link clusterBackplane}. */
export interface ClusterBackplaneOptions {
  /** How long a function waits for the primary process, in milliseconds. Past it its promise rejects. Default 5,000. */
  readonly timeoutMs?: number;
}

/**
 * Connects the workers of `node:cluster` in their primary process, which must not do other work: frames pass through it. Call it
 * before the first `cluster.fork()`. The workers use {@link clusterBackplane}.
 *
 * ```ts
 * if (cluster.isPrimary) {
 *   serveClusterBackplane();
 *   for (let i = 0; i < 4; i++) cluster.fork();
 * } else await import('./server.js');
 * ```
 *
 * @throws Error in a worker
 */
export function serveClusterBackplane({
  waitingBytes = 64 * 1024 * 1024,
}: ClusterBackplaneServerOptions = {}): void {
  if (!cluster.isPrimary)
    throw new Error('serveClusterBackplane() belongs into the primary process of a cluster.');
  // Frames are bytes, which JSON does not carry.
  cluster.setupPrimary({ serialization: 'advanced' });
  const hub = new ClusterHub(waitingBytes);
  cluster.on('fork', (worker) => hub.attach(worker.process));
}

/**
 * Connects the processes of a `node:cluster` on one computer, without a server. Their primary process calls
 * {@link serveClusterBackplane}.
 *
 * ```ts
 * IpcModule.forRoot({ backplane: clusterBackplane() })
 * ```
 *
 * @throws Error if this process is not a worker of a cluster
 */
export function clusterBackplane({ timeoutMs = 5_000 }: ClusterBackplaneOptions = {}): IpcBackplane {
  if (!cluster.isWorker) throw new Error('clusterBackplane() belongs into a worker of a cluster.');
  return backplaneOver(process, timeoutMs);
}

/** The backplane that a {@link ClusterHub} at the other end of a channel has. */
export function backplaneOver(channel: ProcessChannel, timeoutMs: number): IpcBackplane {
  return { join: (node, events) => new ClusterNode(channel, timeoutMs, node, events) };
}

/** A call that waits for the primary process. */
interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

class ClusterNode implements BackplaneNode {
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  readonly #receive = (message: unknown) => this.#received(message);
  readonly #gone = () => {
    const error = unreachable('The primary process of the cluster is gone.');
    this.#lost(error);
    this.#failAll(error);
  };
  #isAway = false;

  constructor(
    private readonly channel: ProcessChannel,
    private readonly timeoutMs: number,
    private readonly id: string,
    private readonly events: BackplaneEvents,
  ) {
    channel.on('message', this.#receive);
    channel.on('disconnect', this.#gone);
    // Without it every later call rejects.
    this.#call('join').catch(() => undefined);
  }

  async publish(topic: string, frame: Uint8Array): Promise<void> {
    await this.#call('publish', topic, frame);
  }

  async send(node: string, frame: Uint8Array): Promise<void> {
    await this.#call('send', node, frame);
  }

  async lives(node: string): Promise<boolean> {
    return (await this.#call('lives', node)) as boolean;
  }

  async subscribe(topic: string): Promise<void> {
    await this.#call('subscribe', topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.#call('unsubscribe', topic);
  }

  async set(group: string, key: string, value: string): Promise<void> {
    await this.#call('set', group, key, value);
  }

  async delete(group: string, key: string): Promise<void> {
    await this.#call('delete', group, key);
  }

  async get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    return (await this.#call('get', group, key)) as BackplaneEntry | undefined;
  }

  async list(group: string): Promise<BackplaneEntry[]> {
    return (await this.#call('list', group)) as BackplaneEntry[];
  }

  async count(group: string): Promise<number> {
    return (await this.#call('count', group)) as number;
  }

  async keep(key: string, text: string, lifeMs: number): Promise<void> {
    await this.#call('keep', key, text, lifeMs);
  }

  async take(key: string): Promise<string | undefined> {
    return (await this.#call('take', key)) as string | undefined;
  }

  /** Logs of sessions are missing, because frames to a worker that has died are not kept. */
  readonly records: NonNullable<BackplaneNode['records']> = {
    append: async (key, frame, { after, replaces, lifeMs }) =>
      (await this.#call('append', key, frame, after, replaces ? 1 : 0, lifeMs)) as number,
    read: async (key) => (await this.#call('read', key)) as BackplaneLog,
  };

  async leave(): Promise<void> {
    await this.#call('leave').catch(() => undefined);
    // Without listeners the channel does not keep the process alive.
    this.channel.off('message', this.#receive);
    this.channel.off('disconnect', this.#gone);
    this.#failAll(unreachable('The node has left.'));
  }

  #call(run: string, ...args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = ++this.#calls;
      const late = () => {
        const error = unreachable(
          `The primary process of the cluster has not confirmed within ${this.timeoutMs} ms.`,
        );
        this.#lost(error);
        this.#settle(call)?.reject(error);
      };
      this.#pending.set(call, { resolve, reject, timer: setTimeout(late, this.timeoutMs) });
      sendOver(this.channel, { node: this.id, call, run, args }, (error) => {
        if (error) this.#settle(call)?.reject(unreachable(error.message));
      });
    });
  }

  /** Functions fail, until the primary process answers again. */
  #lost({ message }: Error): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.events.lost?.(message);
  }

  #settle(call: number): Pending | undefined {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    clearTimeout(pending?.timer);
    return pending;
  }

  #failAll(error: BackplaneError): void {
    for (const call of this.#pending.keys()) this.#settle(call)!.reject(error);
  }

  #received(message: unknown): void {
    const found = readMessage(message);
    if (found?.['node'] !== this.id) return;
    const { type, call, topic, frame } = found;
    if (type === 'frame')
      this.events.frame(topic as string | undefined, Uint8Array.from(frame as Uint8Array));
    else if (type === 'missed') this.events.restored(true);
    else {
      // Entries and subscriptions whose functions have failed may be missing.
      const isBack = this.#isAway;
      this.#isAway = false;
      if (isBack) this.events.restored(false);
      const pending = this.#settle(Number(call));
      if (type === 'done') pending?.resolve(found['result']);
      else
        pending?.reject(new BackplaneError(found['failure'] as BackplaneFailure, String(found['message'])));
    }
  }
}

function unreachable(message: string): BackplaneError {
  return new BackplaneError('unreachable', message);
}
