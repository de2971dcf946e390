import { NoRespondersError, RequestError } from '@nats-io/transport-node';
import { BackplaneError } from '@linnet/common';
import type { BackplaneEntry, BackplaneEvents, BackplaneNode, IpcBackplane } from '@linnet/common';
import { openConnection } from '../connection/connection.js';
import type { NatsConnectionOptions, OpenConnection } from '../connection/connection.js';
import { SharedState } from './shared.state.js';
import { placesOf, tokenOfText } from './tokens.js';
import type { Places } from './tokens.js';
import { TopicLog } from './topic.log.js';

/** Options of {@link natsBackplane}. */
export interface NatsBackplaneOptions extends NatsConnectionOptions {
  /** Names the application: its nodes have the same name. Letters, digits, `-` and `_`. Default `linnet`. */
  readonly name?: string;
  /** How long NATS may take to confirm, in milliseconds. Past it a function rejects. Default 5000. */
  readonly timeoutMs?: number;
}

/** The pause before a node tries again to reach NATS for the first time, in milliseconds. */
const AGAIN_MS = 500;

/**
 * Connects the nodes of an application over NATS with JetStream.
 *
 * ```ts
 * IpcModule.forRoot({ backplane: natsBackplane({ servers: 'nats://127.0.0.1:4222' }) })
 * ```
 *
 * @throws Error if the application cannot have this name
 */
export function natsBackplane({
  name = 'linnet',
  timeoutMs = 5000,
  ...connection
}: NatsBackplaneOptions): IpcBackplane {
  const places = placesOf(name);
  return { join: (node, events) => new NatsNode(connection, places, timeoutMs, node, events) };
}

/** The parts of a node that is connected. */
interface Parts {
  readonly open: OpenConnection;
  readonly log: TopicLog;
  readonly state: SharedState;
}

class NatsNode implements BackplaneNode {
  readonly #parts: Promise<Parts>;
  #hasLeft = false;
  #wake: () => void = () => undefined;

  constructor(
    private readonly connection: NatsConnectionOptions,
    private readonly places: Places,
    private readonly timeoutMs: number,
    private readonly id: string,
    private readonly events: BackplaneEvents,
  ) {
    this.#parts = this.#connect();
    this.#parts.catch(() => undefined);
  }

  publish(topic: string, frame: Uint8Array): Promise<void> {
    return this.#run(({ log }) => log.publish(topic, frame));
  }

  send(node: string, frame: Uint8Array): Promise<void> {
    return this.#run(async ({ open }) => {
      await open.nats.request(this.#subjectOf(node), frame, { timeout: this.timeoutMs });
    });
  }

  subscribe(topic: string): Promise<void> {
    return this.#run(({ log }) => log.subscribe(topic));
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#run(({ log }) => log.unsubscribe(topic));
  }

  set(group: string, key: string, value: string): Promise<void> {
    return this.#run(({ state }) => state.set(group, key, value));
  }

  delete(group: string, key: string): Promise<void> {
    return this.#run(({ state }) => state.delete(group, key));
  }

  get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    return this.#run(({ state }) => state.get(group, key));
  }

  list(group: string): Promise<BackplaneEntry[]> {
    return this.#run(({ state }) => state.list(group));
  }

  keep(key: string, text: string, lifeMs: number): Promise<void> {
    return this.#run(({ state }) => state.keep(key, text, lifeMs));
  }

  take(key: string): Promise<string | undefined> {
    return this.#run(({ state }) => state.take(key));
  }

  async leave(): Promise<void> {
    this.#hasLeft = true;
    this.#wake();
    const parts = await this.#parts.catch(() => undefined);
    if (!parts) return;
    const { open, state } = parts;
    await open.settled(() => state.leave());
    await open.close();
  }

  #subjectOf(node: string): string {
    return `${this.places.nodes}.${tokenOfText(node)}`;
  }

  /** Tries until NATS is there, or the node leaves. */
  async #connect(): Promise<Parts> {
    for (;;) {
      if (this.#hasLeft) throw new BackplaneError('unreachable', 'The node has left.');
      try {
        return await this.#opened();
      } catch {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, AGAIN_MS);
        });
      }
    }
  }

  async #opened(): Promise<Parts> {
    let parts: Parts | undefined;
    const open = await openConnection(this.connection, {
      up: () => {
        if (parts) void this.#restore(parts);
      },
    });
    try {
      const { nats } = open;
      const log = await TopicLog.open(nats, this.places, this.id, this.timeoutMs, (topic, frame) =>
        this.events.frame(topic, frame),
      );
      nats.subscribe(this.#subjectOf(this.id), {
        callback: (error, message) => {
          if (error) return;
          // The sender knows from it that the frame has arrived.
          message.respond();
          this.events.frame(undefined, new Uint8Array(message.data));
        },
      });
      await nats.flush();
      return (parts = {
        open,
        log,
        state: await SharedState.open(nats, this.places, this.id, this.timeoutMs),
      });
    } catch (error) {
      await open.close();
      throw error;
    }
  }

  /** NATS is back: reads what was published meanwhile. */
  async #restore({ log, state }: Parts): Promise<void> {
    let hasMissed = true;
    try {
      await state.restore();
      hasMissed = await log.catchUp();
    } catch {
      // Its connection was lost again, or it has no storage now.
    }
    if (!this.#hasLeft) this.events.restored(hasMissed);
  }

  async #run<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const unreachable = () =>
        reject(new BackplaneError('unreachable', `NATS has not confirmed within ${this.timeoutMs} ms.`));
      timer = setTimeout(unreachable, this.timeoutMs);
    });
    try {
      return await Promise.race([this.#parts.then(work), late]);
    } catch (error) {
      throw failureOf(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function failureOf(error: unknown): BackplaneError {
  if (error instanceof BackplaneError) return error;
  const { message, cause } = error as Error;
  if (
    error instanceof NoRespondersError ||
    (error instanceof RequestError && cause instanceof NoRespondersError)
  )
    return new BackplaneError('absent', 'The node does not exist.');
  return new BackplaneError('unreachable', `NATS has not confirmed: ${message}`);
}
