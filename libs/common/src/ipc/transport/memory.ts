import { newId } from '../../base/random.id.js';
import type { IpcConnectionEvents, IpcConnector } from '../wire/transport.js';
import { textEncoding } from '../wire/durable/text.encoding.js';
import { greetOnce } from '../server/greeter.js';
import type { IpcPeerEvents, UnbrokenSessionProps } from '../server/greeter.js';
import type { IpcTransport } from '../message/link.js';
import type { IpcFrame } from '../message/message.js';
import type { IpcServer } from '../server/server.js';

/** How a frontend of the same process is connected. */
export interface MemoryIpcOptions extends UnbrokenSessionProps {
  /** Speaks the compatible wire. Default `false`: the durable one. */
  readonly compatible?: boolean;
}

/**
 * Connects a frontend to a server of the same process, without a socket. What goes over it is encoded as on the wire: a
 * value that would not survive there does not survive here. A connection that ends takes its session with it, and the
 * end of the server closes the frontend.
 *
 * ```ts
 * const frontend = new IpcFrontend(memoryIpc(server));
 * ```
 */
export function memoryIpc(server: IpcServer, options: MemoryIpcOptions = {}): IpcConnector {
  const { compatible = false, ...props } = options;
  const connect = (events: IpcConnectionEvents): IpcTransport => {
    const near = new MemoryEnd();
    const far = new MemoryEnd();
    near.peer = far;
    far.peer = near;
    near.receiver = events;
    queueMicrotask(() => {
      if (near.isClosed) return;
      const { refusal } = server;
      if (compatible && refusal) {
        far.close(refusal.code, refusal.reason);
        return;
      }
      far.receiver = compatible
        ? openCompatible(server, far, props)
        : greetOnce(server, far, textEncoding, props);
      events.opened(compatible ? undefined : textEncoding);
    });
    return near;
  };
  // Nothing restarts a server of the same process, and a frontend that kept trying would keep the process alive.
  return Object.defineProperty(connect, 'once', { get: () => server.isClosed });
}

/** Begins a session of the compatible wire; what comes before it has begun waits. */
function openCompatible(
  server: IpcServer,
  transport: IpcTransport,
  { started, ...props }: UnbrokenSessionProps,
): IpcPeerEvents {
  const connection = server.open(transport, { id: newId(), ...props });
  const { link } = connection;
  const begun = (async () => started?.(connection))();
  begun.catch(() => link.close(1011, 'Internal error'));
  return {
    frame: (frame) =>
      void begun.then(
        () => link.receive(frame),
        () => undefined,
      ),
    closed: (closure) => link.ended(closure),
  };
}

/** One end: what is written arrives at the other in a later turn, in order. */
class MemoryEnd implements IpcTransport {
  peer!: MemoryEnd;
  receiver: IpcPeerEvents | undefined;
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
    for (const end of [peer, this] as const)
      queueMicrotask(() => {
        if (end === peer) peer.isClosed = true;
        end.receiver?.closed({ code, reason });
      });
  }
}
