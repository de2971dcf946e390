import { Mover } from '../resume/mover.js';
import { Relays } from '../resume/relays.js';
import { SessionFinder } from '../resume/session.finder.js';
import type { IpcServer } from '../server/server.js';
import { durableTextWire } from '../wire/wire.js';
import type { RoomNode } from './room.node.js';
import type { SessionTransfer } from './session.transfer.js';

/** The group of the backplane that has the nodes that take sessions. */
const NODES = 'nodes';

/** The topic of the frames to one node that come behind the notifications of others. */
const behind = (node: string): string => `n:${node}`;

/** Lets frontends resume their sessions over connections to any node. @param userKey names a user */
export function resumeAnywhere(
  server: IpcServer,
  node: RoomNode,
  transfer: SessionTransfer,
  userKey: (user: unknown) => string,
): void {
  const keyOf = (user: unknown) => (user === undefined || user === null ? null : userKey(user));
  const { id, limits, backplane } = node;
  const find = (session: string) => server.findResumable(session);
  const mover = new Mover(
    {
      id,
      limits,
      move: (to, head, value, bytes) => node.send(to, head, value, bytes),
      moveBehind: (to, head) => node.publish(behind(to), head),
    },
    { find, keyOf },
    transfer,
  );
  const refusal = (session: string) => {
    const record = find(session);
    if (!record) return 'absent';
    return mover.isLeaving(record) ? 'leaving' : undefined;
  };
  const relays = new Relays(
    {
      limits,
      send: (to, head, value, bytes) => node.send(to, head, value, bytes),
      // Other nodes may need time to come back.
      lives: async (other) => !node.isComplete || backplane.lives(other),
    },
    { refusal, keyOf, accept: (transport, peer) => server.accept(transport, durableTextWire, peer) },
  );
  node.exchange = {
    receive: (head, read, bytes) =>
      head.kind === 'relay' ? relays.receive(head, read, bytes) : mover.receive(head, read, bytes),
    restored(hasMissed) {
      if (hasMissed) relays.broke('Frames between the nodes may be lost.');
      if (!isLeaving) list();
    },
    close: () => relays.close(),
  };
  let isLeaving = false;
  const list = () => node.background('list this node', backplane.set(NODES, id, ''));
  list();
  /** This node takes no more sessions. @returns whether another one does */
  const leaveGroup = async (): Promise<boolean> => {
    isLeaving = true;
    node.follow(behind(id));
    const [entries] = await Promise.all([
      backplane.list(NODES),
      backplane.subscribe(behind(id)),
      backplane.delete(NODES, id),
    ]);
    return entries.some((entry) => entry.node !== id);
  };
  const finder = new SessionFinder(node, relays, mover, transfer, server, keyOf);
  server.useElsewhere({
    find: (connection) => finder.find(connection),
    async leave(records, timeoutMs) {
      const hasOthers = await leaveGroup().catch(() => false);
      return hasOthers ? { done: mover.leave(records, timeoutMs) } : undefined;
    },
  });
}
