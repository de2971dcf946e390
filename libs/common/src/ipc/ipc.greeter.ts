import type { IpcLimits } from '../wire/wire.limits.js';
import type { IpcConnectionEvents } from './ipc.connector.js';
import { greetingOf, readHello } from './ipc.durable.codec.js';
import type { DurableForm } from './ipc.durable.form.js';
import type { DurableLink } from './ipc.durable.link.js';
import type { IpcTransport } from './ipc.link.js';
import { IpcProtocolError } from './ipc.message.js';
import type { IpcClosure } from './ipc.message.js';

/** What a backend is told of a connection. */
export type IpcPeerEvents = Pick<IpcConnectionEvents, 'frame' | 'closed'>;

/** A session that has just begun, over a link that is not connected yet. */
export interface BegunSession {
  readonly session: { readonly id: string };
  readonly link: DurableLink;
}

/**
 * Serves a connection that does not break, as one within a computer: its session begins when the frontend greets, and
 * ends with it.
 *
 * @param begin begins the session
 * @returns is to be told what comes
 */
export function greetOnce(
  transport: IpcTransport,
  form: DurableForm,
  limits: IpcLimits,
  begin: () => Promise<BegunSession> | BegunSession,
): IpcPeerEvents {
  let link: DurableLink | undefined;
  let hasGreeted = false;
  let ended: IpcClosure | undefined;
  const greet = async (): Promise<void> => {
    const begun = await begin();
    link = begun.link;
    if (ended) link.ended(ended);
    // It may have been ended as it began.
    if (link.closure) transport.close(link.closure.code, link.closure.reason);
    if (link.closure) return;
    const welcome = { sessionId: begun.session.id, secret: '', graceMs: 0, received: 0 };
    transport.write(form.list(greetingOf({ welcome })));
    link.attach(transport, 0);
  };
  return {
    frame: (frame) => {
      if (link) {
        link.receive(frame);
        return;
      }
      try {
        if (hasGreeted) throw new IpcProtocolError(1002, 'A message before the welcome.');
        if (readHello(form.parse(frame, limits).list))
          throw new IpcProtocolError(4001, 'The session is not there any more.');
        hasGreeted = true;
        greet().catch(() => transport.close(1011, 'Internal error'));
      } catch (error) {
        if (!(error instanceof IpcProtocolError)) throw error;
        transport.close(error.code, error.message);
      }
    },
    closed: (closure) => {
      ended = closure;
      link?.ended(closure);
    },
  };
}
