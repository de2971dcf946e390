import { connect, PermissionViolationError } from '@nats-io/transport-node';
import type { NatsConnection, NodeConnectionOptions, Status } from '@nats-io/transport-node';
import { mergeOptions, within } from '@linnet/common/internal';

/**
 * The connection to NATS: options of `connect` of `@nats-io/transport-node`, or a connection that is open already. Without
 * other options a lost connection is tried again for ever, four times a second.
 */
export interface NatsConnectionOptions extends NodeConnectionOptions {
  /** A connection that the application has opened, and closes itself. The other options are then ignored. */
  readonly connection?: NatsConnection;
}

const defaults: NodeConnectionOptions = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
  reconnectJitter: 100,
  // A connection that is broken without a sign of it is found within a minute, not within six.
  pingInterval: 20_000,
  // Otherwise each request makes two errors with stacks, in case that it fails: they take longer than the request.
  noAsyncTraces: true,
};

/** Changes of a connection. */
export interface ConnectionEvents {
  /** The connection is lost: what was on its way may be lost as well. */
  down?(): void;
  /** The connection is there again, with its subscriptions. */
  up?(): void;
  /** The server has refused messages to a subject, because the permissions of this client forbid them. */
  refused?(subject: string): void;
  /** The connection is over, and does not come back. */
  closed?(): void;
}

/** How long messages that were written may take to leave, in milliseconds, before a connection is closed. */
const LEAVE_MS = 5000;

/** An open connection. */
export class OpenConnection {
  /** Whether messages can be sent. */
  isUp = true;
  /** Whether the application goes on with the connection alone. */
  #isLeft = false;
  readonly #changes: AsyncIterable<Status> & { stop?(): void };

  constructor(
    readonly nats: NatsConnection,
    private readonly isOwn: boolean,
    events: ConnectionEvents,
  ) {
    this.#changes = nats.status();
    void this.#watch(events);
  }

  /** Waits for an answer of NATS, but not for a lost connection to come back. Never rejects. */
  async settled(work: () => Promise<unknown>): Promise<void> {
    if (!this.isUp) return;
    const ignored = () => undefined;
    await within(LEAVE_MS, work().catch(ignored));
  }

  /** Ends the connection after everything that was written. A connection of the application stays open, and is not watched any more. */
  async close(): Promise<void> {
    if (!this.isOwn) {
      this.#isLeft = true;
      this.#changes.stop?.();
      return this.settled(() => this.nats.flush());
    }
    await this.settled(() => this.nats.drain());
    if (!this.nats.isClosed()) await this.nats.close();
  }

  async #watch(events: ConnectionEvents): Promise<void> {
    for await (const status of this.#changes) {
      if (this.#isLeft) return;
      if (status.type === 'disconnect') {
        this.isUp = false;
        events.down?.();
      } else if (status.type === 'reconnect') {
        this.isUp = true;
        events.up?.();
      } else if (status.type === 'error' && status.error instanceof PermissionViolationError)
        events.refused?.(status.error.subject);
    }
    if (this.#isLeft) return;
    this.isUp = false;
    events.down?.();
    events.closed?.();
  }
}

/** Opens the connection that options describe. @throws Error (rejection) if NATS cannot be reached */
export async function openConnection(
  { connection, ...options }: NatsConnectionOptions,
  events: ConnectionEvents = {},
): Promise<OpenConnection> {
  return new OpenConnection(connection ?? (await opened(options)), !connection, events);
}

async function opened(options: NodeConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect(mergeOptions(defaults, options));
  } catch (error) {
    const at = options.servers === undefined ? '' : ` at ${[options.servers].flat().map(bare).join(', ')}`;
    throw new Error(`NATS cannot be reached${at}: ${(error as Error).message}`, { cause: error });
  }
}

/** An address without credentials, which are not for logs. */
function bare(address: string): string {
  return address.replace(/\/\/.*@/, '//');
}
