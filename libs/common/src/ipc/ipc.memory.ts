import type { IpcConnectionEvents, IpcConnector } from './ipc.connector.js';
import { DURABLE_PROTOCOL, greetingFrame } from './ipc.durable.codec.js';
import type { IpcSessionLink, IpcTransport } from './ipc.link.js';
import type { IpcServer } from './ipc.server.js';
import type { IpcSessionProps } from './ipc.session.js';

/** How a frontend of the same process is connected. */
export interface MemoryIpcOptions extends Partial<IpcSessionProps> {
  /** Speaks the compatible wire. Default `false`: the durable one. */
  readonly compatible?: boolean;
}

/**
 * Connects a frontend to a server of the same process, without a socket. What goes over it is encoded as on the wire: a
 * value that would not survive there does not survive here. A connection that ends takes its session with it.
 *
 * ```ts
 * const frontend = new IpcFrontend(memoryIpc(server));
 * ```
 */
export function memoryIpc(server: IpcServer, options: MemoryIpcOptions = {}): IpcConnector {
  const { compatible = false, ...props } = options;
  return (events) => {
    const near = new MemoryEnd();
    const far = new MemoryEnd();
    near.peer = far;
    far.peer = near;
    near.receiver = events;
    const session = { id: crypto.randomUUID(), ...props };
    queueMicrotask(() => {
      if (near.isClosed) return;
      if (compatible) far.receiver = receiverOf(server.open(far, session).link);
      else far.receiver = greeter(server, far, session);
      events.opened(compatible ? '' : DURABLE_PROTOCOL);
    });
    return near;
  };
}

type Receiver = Pick<IpcConnectionEvents, 'text' | 'binary' | 'closed'>;

function receiverOf(link: Pick<IpcSessionLink, 'receiveText' | 'receiveBinary' | 'ended'>): Receiver {
  return {
    text: (frame) => link.receiveText(frame),
    binary: (frame) => link.receiveBinary(frame),
    closed: (closure) => link.ended(closure),
  };
}

/** The first frame begins the session. There is nothing to resume: such a connection does not break. */
function greeter(server: IpcServer, far: MemoryEnd, props: IpcSessionProps): Receiver {
  return {
    text: () => {
      const { link } = server.openDurable(props);
      far.receiver = receiverOf(link);
      far.writeText(greetingFrame({ welcome: { sessionId: props.id, secret: '', graceMs: 0, received: 0 } }));
      link.attach(far, 0);
    },
    binary: () => undefined,
    closed: () => undefined,
  };
}

/** One end: what is written arrives at the other in a later turn, in order. */
class MemoryEnd implements IpcTransport {
  peer!: MemoryEnd;
  receiver: Receiver | undefined;
  isClosed = false;
  readonly bufferedBytes = 0;

  writeText(text: string): void {
    this.#pass((receiver) => receiver.text(text));
  }

  writeBinary(part: Uint8Array): void {
    // The other end has memory of its own, as behind a wire.
    const copy = part.slice();
    this.#pass((receiver) => receiver.binary(copy));
  }

  defer(work: () => void): void {
    queueMicrotask(work);
  }

  async drained(): Promise<void> {
    // Everything has been taken.
  }

  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { peer } = this;
    for (const end of [peer, this] as const)
      queueMicrotask(() => {
        if (end === peer) peer.isClosed = true;
        end.receiver?.closed({ code, reason });
      });
  }

  #pass(deliver: (receiver: Receiver) => void): void {
    if (this.isClosed) return;
    const { peer } = this;
    queueMicrotask(() => {
      if (!peer.isClosed && peer.receiver) deliver(peer.receiver);
    });
  }
}
