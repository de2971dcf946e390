import { BackplaneError, memoryBackplane } from '@linnet/common';
import type { BackplaneNode } from '@linnet/common';
import { isBytes, messageOf } from '@linnet/common/internal';
import { readMessage, sendOver } from './process.channel.js';
import type { NodeCall, NodeMessage, ProcessChannel } from './process.channel.js';

/** The functions of a node that a worker may run: all of them. */
const functions: ReadonlySet<string> = new Set(
  Object.keys({
    publish: true,
    send: true,
    lives: true,
    subscribe: true,
    unsubscribe: true,
    set: true,
    delete: true,
    get: true,
    list: true,
    count: true,
    keep: true,
    take: true,
    leave: true,
  } satisfies Record<Exclude<keyof BackplaneNode, 'logs' | 'records'>, true>),
);

/** The functions of the records of calls that run once. */
const recordFunctions: Readonly<Record<string, (node: BackplaneNode, args: readonly unknown[]) => unknown>> =
  {
    append: ({ logs }, [key, frame, after, replaces, lifeMs]) =>
      logs!.append(key as string, frame as Uint8Array, {
        after: after as number,
        replaces: replaces === 1,
        lifeMs: lifeMs as number,
      }),
    read: ({ logs }, [key]) => logs!.read(key as string),
  };

/** The backplane in the primary process: it has the shared state, and carries the frames between the workers. */
export class ClusterHub {
  readonly #memory = memoryBackplane();

  /** @param waitingBytes most bytes of frames that wait for one worker */
  constructor(private readonly waitingBytes: number) {}

  /** Serves the nodes of a worker until its channel closes. */
  attach(channel: ProcessChannel): void {
    const worker = new WorkerNodes(channel, this.#memory.join.bind(this.#memory), this.waitingBytes);
    channel.on('message', (message) => worker.receive(message));
    channel.on('disconnect', () => worker.leave());
  }
}

/** The nodes of one worker. */
class WorkerNodes {
  readonly #nodes = new Map<string, BackplaneNode>();
  /** Nodes that have missed frames, because the worker reads too slowly. */
  readonly #missed = new Set<string>();
  #waiting = 0;

  constructor(
    private readonly channel: ProcessChannel,
    private readonly join: ReturnType<typeof memoryBackplane>['join'],
    private readonly waitingBytes: number,
  ) {}

  /** Receives a message of the worker. Never throws. */
  receive(message: unknown): void {
    const call = readCall(readMessage(message));
    if (!call) return;
    const { node, call: id } = call;
    this.#run(call).then(
      (result) => this.#send({ node, type: 'done', call: id, result }),
      (error: unknown) => {
        const failure = error instanceof BackplaneError ? error.failure : 'unreachable';
        this.#send({ node, type: 'failed', call: id, failure, message: messageOf(error) });
      },
    );
  }

  /** The worker has ended: the others see it at once. */
  leave(): void {
    for (const node of this.#nodes.values()) void node.leave();
    this.#nodes.clear();
  }

  async #run({ node: id, run, args }: NodeCall): Promise<unknown> {
    if (run === 'join') {
      this.#nodes.set(
        id,
        this.join(id, { frame: (...frame) => this.#frame(id, ...frame), restored: () => undefined }),
      );
      return undefined;
    }
    const node = this.#nodes.get(id);
    const record = Object.hasOwn(recordFunctions, run) ? recordFunctions[run] : undefined;
    if (node && record) return record(node, args);
    if (!node || !functions.has(run))
      throw new Error(`The backplane has no function ${run}, or no such node.`);
    if (run === 'leave') this.#nodes.delete(id);
    return (node[run as keyof BackplaneNode] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
  }

  #frame(node: string, topic: string | undefined, frame: Uint8Array): void {
    const { byteLength } = frame;
    // Only what waits behind something else is dropped: otherwise nothing would ever report it.
    const isFull = this.#waiting > 0 && this.#waiting + byteLength > this.waitingBytes;
    if (this.#missed.has(node) || isFull) {
      this.#missed.add(node);
      return;
    }
    this.#waiting += byteLength;
    this.#send({ node, type: 'frame', topic, frame }, () => {
      this.#waiting -= byteLength;
      if (this.#waiting > 0) return;
      for (const id of this.#missed) this.#send({ node: id, type: 'missed' });
      this.#missed.clear();
    });
  }

  /** A worker that is gone needs nothing more. */
  #send(message: NodeMessage, sent: () => void = () => undefined): void {
    sendOver(this.channel, message, sent);
  }
}

/** Checks a message: only functions of nodes with arguments that they take reach the shared state. */
function readCall(message: Readonly<Record<string, unknown>> | undefined): NodeCall | undefined {
  if (!message) return undefined;
  const { node, call, run, args } = message;
  if (typeof node !== 'string' || typeof call !== 'number' || typeof run !== 'string' || !Array.isArray(args))
    return undefined;
  const isKnown = args.every((arg) => typeof arg === 'string' || typeof arg === 'number' || isBytes(arg));
  return { node, call, run: isKnown ? run : 'with these arguments', args };
}
