import { afterEach } from '@jest/globals';
import type { IpcBackplane, IpcSession } from '@linnet/common';
import { until } from '../harness/waiting.js';
import { rove, startNode } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';

/** Nodes and frontends of the tests of a block. They end after each test, the newest first. */
export function openNetwork() {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  const start = (backplane: IpcBackplane, props: Parameters<typeof startNode>[1] = {}): NetworkNode => {
    const node = startNode(backplane, props);
    ends.push(() => node.end());
    return node;
  };
  const connect = async (node: NetworkNode, user?: unknown): Promise<[RovingFrontend, IpcSession]> => {
    const known = new Set(node.server.sessions);
    const roving = rove(node, user);
    ends.push(() => roving.frontend.close());
    await roving.frontend.ready;
    return [roving, await until(() => node.server.sessions.find((each) => !known.has(each)))];
  };
  const isKnown = async (node: NetworkNode, { id }: Pick<IpcSession, 'id'>): Promise<boolean> =>
    (await node.rooms.backplane!.get('sessions', id)) !== undefined;
  /** Connects, and waits until other nodes find the session. */
  const enter = async (node: NetworkNode, user?: unknown): Promise<[RovingFrontend, IpcSession]> => {
    const [roving, session] = await connect(node, user);
    await until(() => isKnown(node, session));
    return [roving, session];
  };
  return { start, connect, enter, isKnown, ends };
}
