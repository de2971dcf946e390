import { observer } from '../../base/observer.js';
import { sizeOf } from '../../value/value.size.js';
import type { IpcServerTransport } from '../message/transport.js';
import type { IpcFrame } from '../message/message.js';
import type { IpcPeerEvents } from '../wire/connector.js';

function bytesOf(frame: IpcFrame): number {
  if (typeof frame === 'string') return frame.length;
  return frame instanceof Uint8Array ? frame.byteLength : sizeOf(frame);
}

/** A transport whose frames an observer counts. Text counts its characters, and a cloned value its memory. */
export function observedTransport(transport: IpcServerTransport): IpcServerTransport {
  return {
    ...(transport.name && { name: transport.name }),
    ...(transport.isRelayed && { isRelayed: true }),
    write(frame) {
      observer?.frame?.('out', bytesOf(frame));
      transport.write(frame);
    },
    defer: (work) => transport.defer(work),
    get bufferedBytes() {
      return transport.bufferedBytes;
    },
    drained: () => transport.drained(),
    close: (code, reason) => transport.close(code, reason),
    terminate: () => transport.terminate(),
    ...(transport.pause && { pause: () => transport.pause?.() }),
    ...(transport.resume && { resume: () => transport.resume?.() }),
  };
}

/** The events of a connection whose frames an observer counts. */
export function observedEvents(events: IpcPeerEvents): IpcPeerEvents {
  return {
    frame(frame) {
      observer?.frame?.('in', bytesOf(frame));
      events.frame(frame);
    },
    failed: (closure) => events.failed(closure),
    closed: (closure) => events.closed(closure),
  };
}
