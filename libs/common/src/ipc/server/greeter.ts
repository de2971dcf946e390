import { newId } from '../../base/random.id.js';
import type { IpcConnectionEvents } from '../wire/transport.js';
import { greetingLimits, greetingOf, readHello } from '../wire/durable/codec.js';
import type { FrameEncoding } from '../wire/durable/text.encoding.js';
import type { DurableLink } from '../wire/durable/link.js';
import type { IpcTransport } from '../message/link.js';
import { IpcProtocolError, SessionLost } from '../message/message.js';
import type { IpcClosure } from '../message/message.js';
import type { IpcConnection, IpcServer } from './server.js';
import type { IpcSessionProps } from './session.js';

/** What a backend is told of a connection. */
export type IpcPeerEvents = Pick<IpcConnectionEvents, 'frame' | 'closed'>;

/** How a session begins whose connection does not break. */
export interface UnbrokenSessionProps extends Partial<IpcSessionProps> {
  /** Called when the session has begun; the frontend is welcomed when it has resolved. */
  readonly started?: (connection: IpcConnection) => Promise<void>;
}

/**
 * Serves a connection that does not break, as one within a computer does not: its session begins when the frontend
 * greets, who is told that the backend is on the same computer, and ends with it.
 *
 * @returns is to be told what comes
 */
export function greetOnce(
  server: IpcServer,
  transport: IpcTransport,
  form: FrameEncoding,
  { started, ...props }: UnbrokenSessionProps,
): IpcPeerEvents {
  let link: DurableLink | undefined;
  let isWelcome = false;
  const begin = async (): Promise<void> => {
    const { refusal } = server;
    if (refusal) {
      transport.close(refusal.code, refusal.reason);
      return;
    }
    const connection = server.openDurable(form, { id: newId(), ...props });
    link = connection.link;
    await started?.(connection);
    const closure: IpcClosure | undefined = link.closure;
    if (closure) {
      transport.close(closure.code, closure.reason);
      return;
    }
    isWelcome = true;
    const welcome = { sessionId: connection.session.id, secret: '', graceMs: 0, received: 0, isNative: true };
    transport.write(form.list(greetingOf({ welcome })));
    link.attach(transport, 0);
  };
  const refuse = ({ code, message: reason }: { code: number; message: string }) => {
    link?.ended({ code, reason });
    transport.close(code, reason);
  };
  return {
    frame: (frame) => {
      if (link && isWelcome) {
        link.receive(frame);
        return;
      }
      try {
        if (link) throw new IpcProtocolError(1002, 'A message before the welcome.');
        // A key finds nothing here: there is one connection for each session.
        if (readHello(form.parse(frame, greetingLimits).list)?.sessionId) throw new SessionLost();
        begin().catch(() => refuse({ code: 1011, message: 'Internal error' }));
      } catch (error) {
        if (!(error instanceof IpcProtocolError)) throw error;
        refuse(error);
      }
    },
    closed: (closure) => link?.ended(closure),
  };
}
