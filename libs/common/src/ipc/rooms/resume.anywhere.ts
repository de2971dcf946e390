import { newId } from '../../base/random.id.js';
import { Mover } from '../resume/mover.js';
import { Relays } from '../resume/relays.js';
import { SessionCopies } from '../replica/session.copies.js';
import { SessionFinder } from '../resume/session.finder.js';
import { SessionTaker } from '../resume/session.taker.js';
import type { MovePort } from '../resume/session.taker.js';
import type { IpcServer } from '../server/server.js';
import { durableTextWire } from '../wire/wire.js';
import { BackplaneError } from '../node/backplane.js';
import type { AppendOptions } from '../node/backplane.js';
import type { LocalNode } from '../node/local.node.js';
import type { IpcRoomsOptions } from './rooms.options.js';
import type { SessionTransfer } from './session.transfer.js';
import { ALL } from '../node/topic.names.js';

/** The group of the backplane that has the nodes that take sessions. */
const NODES = 'nodes';

/** How long the copy of a session outlives its node, in milliseconds. It is written again every minute. */
const COPY_MS = 180_000;

/** The topic over which a frame reaches one node behind all notifications that were published before it. */
const orderedTopicOf = (node: string): string => `n:${node}`;

/**
 * Lets frontends resume their sessions over connections to any node.
 *
 * @throws Error if sessions are to be replicated, and the backplane cannot do so
 */
export function resumeAnywhere(
  server: IpcServer,
  node: LocalNode,
  transfer: SessionTransfer,
  { userKey, replicate = false }: Pick<IpcRoomsOptions, 'userKey' | 'replicate'>,
): void {
  // A user without a name is equal to nobody.
  const keyOf = (user: unknown) => (user === undefined || user === null ? null : (userKey(user) ?? newId()));
  const { id, limits, backplane } = node;
  const find = (session: string) => server.findResumable(session);
  const send = node.send.bind(node);
  const port: MovePort = {
    id,
    limits,
    move: send,
    isFull: (error) => failureOf(error) === 'full',
    moveBehind: (to, head) => node.publish(orderedTopicOf(to), head),
  };
  const mover = new Mover(port, { find, keyOf }, transfer);
  const taker = new SessionTaker(port, transfer);
  const copies = replicate ? copiesOf(server, node, transfer, keyOf) : undefined;
  const refusal = (session: string) => {
    const record = find(session);
    if (!record) return mover.hasGiven(session) ? 'leaving' : 'absent';
    if (copies?.isUnsure(session)) return 'unsure';
    return mover.isLeaving(record) ? 'leaving' : undefined;
  };
  const relays = new Relays(
    {
      limits,
      send,
      lives: (other) => node.lives(other),
    },
    { refusal, keyOf, accept: (transport, peer) => server.accept(transport, durableTextWire, peer) },
  );
  node.exchange = {
    receive(head, read, bytes) {
      if (head.kind === 'relay') relays.receive(head, read, bytes);
      else if (head.type === 'take' || head.type === 'give') mover.receive(head, read);
      else if (head.type === 'overtaken') copies?.overtaken(head.session);
      else taker.receive(head, read, bytes);
    },
    restored(hasMissed) {
      if (hasMissed) relays.broke('Frames between the nodes may be lost.');
      copies?.confirm();
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
    node.follow(orderedTopicOf(id));
    const [entries] = await Promise.all([
      backplane.list(NODES),
      backplane.subscribe(orderedTopicOf(id)),
      backplane.delete(NODES, id),
    ]);
    return entries.some((entry) => entry.node !== id);
  };
  const finder = new SessionFinder(node, relays, taker, transfer, server, keyOf, copies);
  server.useElsewhere({
    find: (connection) => finder.find(connection),
    async leave(records, timeoutMs) {
      const hasOthers = await leaveGroup().catch(() => false);
      return hasOthers ? { done: mover.leave(records, timeoutMs) } : undefined;
    },
  });
}

function failureOf(error: unknown): BackplaneError['failure'] | undefined {
  return error instanceof BackplaneError ? error.failure : undefined;
}

/** Keeps copies of the sessions of a server at the backplane. */
function copiesOf(
  server: IpcServer,
  node: LocalNode,
  transfer: SessionTransfer,
  keyOf: (user: unknown) => string | null,
): SessionCopies {
  const { logs } = node.backplane;
  if (!logs) throw new Error('This backplane cannot replicate sessions.');
  const port = {
    id: node.id,
    limits: node.limits,
    position: () => logs.position,
    append: (session: string, frame: Uint8Array, options: AppendOptions) =>
      node.put(frame, () => logs.append(session, frame, options)),
    read: (session: string) => logs.read(session),
    missed: (other: string, topics: readonly string[], position: number) =>
      logs.missed(other, topics, position),
    isOvertaken: (error: unknown) => failureOf(error) === 'overtaken',
    isAbsent: (error: unknown) => failureOf(error) === 'absent',
    confirmed(id: string) {
      const session = server.find(id);
      if (session) node.entries.relist(session);
    },
    overtook(other: string, session: string) {
      const head = { kind: 'move', id: 0, type: 'overtaken', session, count: 0 } as const;
      // A node that is dead needs no report.
      node.send(other, head).catch(() => undefined);
    },
    damaged: (error: unknown) => node.warn('The copy of a session is damaged', error),
    keyOf,
  };
  const copies = new SessionCopies(port, transfer, [ALL], COPY_MS);
  server.hook({
    onOpen({ id }) {
      const record = server.findResumable(id);
      if (record) copies.begin(record);
    },
    onClosed: () => undefined,
  });
  return copies;
}
