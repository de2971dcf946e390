import { acceptLocal } from '../server/local.session.js';
import type { LocalSessionProps } from '../server/local.session.js';
import type { IpcServer } from '../server/server.js';
import { compatibleWire, durableTextWire } from '../wire/wire.js';
import type { IpcConnectionEvents, IpcConnector, IpcFrameEvents } from '../wire/connector.js';
import type { IpcServerTransport, IpcTransport } from '../message/transport.js';
import type { IpcFrame } from '../message/message.js';

/** How a frontend of the same process is connected. */
export interface MemoryIpcOptions extends LocalSessionProps {
  /** Speaks the compatible wire. Default `false`: the durable one. */
  readonly compatible?: boolean;
}

/**
 * Connects a frontend to a server of the same process, without a socket. Values are encoded as on the wire: a value that
 * would not survive there does not survive here. A connection that ends takes its session with it, and the end of the
 * server closes the frontend.
 *
 * ```ts
 * const frontend = new IpcFrontend(memoryIpc(server));
 * ```
 */
export function memoryIpc(server: IpcServer, options: MemoryIpcOptions = {}): IpcConnector {
  const { compatible = false, ...props } = options;
  const wire = compatible ? compatibleWire : durableTextWire;
  const connect = (events: IpcConnectionEvents): IpcTransport => {
    const near = new MemoryEnd();
    const far = new MemoryEnd();
    near.peer = far;
    far.peer = near;
    near.receiver = events;
    queueMicrotask(() => {
      if (near.isClosed) return;
      far.receiver = acceptLocal(server, far, wire, props);
      // A server that has no space has closed the other end.
      if (!far.isClosed) events.opened(wire);
    });
    return near;
  };
  // Nothing restarts a server of the same process, and a frontend that kept trying would keep the process alive.
  return Object.defineProperty(connect, 'once', { get: () => server.isClosed });
}

/** One end: its frames arrive at the other end in a later turn, in order. */
class MemoryEnd implements IpcServerTransport {
  readonly name = 'memory';
  peer!: MemoryEnd;
  receiver: IpcFrameEvents | undefined;
  isClosed = false;
  readonly bufferedBytes = 0;

  write(frame: IpcFrame): void {
    // The other end has memory of its own, as behind a wire.
    const copy = frame instanceof Uint8Array ? frame.slice() : frame;
    if (this.isClosed) return;
    const { peer } = this;
    queueMicrotask(() => {
      if (!peer.isClosed) peer.receiver?.frame(copy);
    });
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
    queueMicrotask(() => {
      peer.isClosed = true;
      peer.receiver?.closed({ code, reason, initiator: 'remote' });
    });
    queueMicrotask(() => this.receiver?.closed({ code, reason, initiator: 'local' }));
  }

  terminate(): void {
    this.close(1006, '');
  }
}
