import { Relays } from '../resume/relays.js';
import { SessionFinder } from '../resume/session.finder.js';
import type { IpcServer } from '../server/server.js';
import { durableTextWire } from '../wire/wire.js';
import type { RoomNode } from './room.node.js';

/** Lets frontends resume their sessions over connections to any node. @param userKey names a user */
export function resumeAnywhere(server: IpcServer, node: RoomNode, userKey: (user: unknown) => string): void {
  const keyOf = (user: unknown) => (user === undefined || user === null ? null : userKey(user));
  const relays = new Relays(
    {
      limits: server.limits,
      send: (to, head, value, bytes) => node.relay(to, head, value, bytes),
      lives: (id) => node.backplane.lives(id),
    },
    {
      refusal: (session) => (server.findResumable(session) ? undefined : 'absent'),
      keyOf,
      accept: (transport, peer) => server.accept(transport, durableTextWire, peer),
    },
  );
  node.relays = relays;
  server.useElsewhere(new SessionFinder(node, relays, keyOf));
}
