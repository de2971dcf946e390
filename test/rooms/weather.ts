// Nodes whose backplane fails: what the weather tests of all brokers need.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import {
  BackplaneError,
  defaultIpcLimits,
  IpcFrontend,
  IpcRooms,
  IpcServer,
  memoryIpc,
} from '@linnet/common';
import type { CallReport, IpcBackplane } from '@linnet/common';
import { until } from '../harness/waiting.js';

/** Functions that end the things a test has started. */
export const open: (() => unknown)[] = [];

/** Ends what a test has started, the last first. */
export async function endAll(): Promise<void> {
  for (const end of open.splice(0).toReversed()) await end();
}

/** A node with one session. @param props.backplaneBytes default: as in `defaultIpcLimits` @param props.user of the session */
export async function startNode(
  backplane: IpcBackplane,
  props: { backplaneBytes?: number; invokeTimeoutMs?: number; user?: unknown } = {},
) {
  const { backplaneBytes = defaultIpcLimits.backplaneBytes, invokeTimeoutMs = 20_000, user } = props;
  const server = new IpcServer({ limits: { ...defaultIpcLimits, backplaneBytes }, invokeTimeoutMs });
  const reports: CallReport[] = [];
  const rooms = new IpcRooms(server, {
    backplane,
    userKey: String,
    invokeTimeoutMs,
    report: (report) => reports.push(report),
  });
  const frontend = new IpcFrontend(memoryIpc(server, { user }), { reconnect: false });
  const news: unknown[] = [];
  frontend.addListener('news', (_event: unknown, content: unknown) => void news.push(content));
  await frontend.ready;
  const session = await until(() => server.sessions[0]);
  open.push(async () => {
    await server.close(0);
    await server.ended();
    await rooms.close();
  });
  const warnings = () => reports.map((each) => (each.kind === 'warning' ? each.message : 'an error'));
  return { server, rooms, frontend, session, news, warnings };
}

/** A node whose session is a member of the room `room`. */
export async function startMember(...props: Parameters<typeof startNode>) {
  const node = await startNode(...props);
  // A machine under load may take longer than the timeout of a test.
  await until(async () => (await outcome(node.session.join('room'))) === 'sent');
  return node;
}

/** The answer that a sender gets: `sent`, or the failure. */
export function outcome(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'sent',
    (error: unknown) => (error instanceof BackplaneError ? error.failure : String(error)),
  );
}

/** A way to a broker that a test can cut, hold up, or lead to another one. @param port of the broker */
export async function startLine(port: number) {
  let target = port;
  const sockets = new Set<Socket>();
  /** The ends at the broker, each with the other end. */
  const downward = new Map<Socket, Socket>();
  let isCut = false;
  let attempts = 0;
  const line = createServer((near) => {
    attempts++;
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    downward.set(far, near);
    far.on('close', () => downward.delete(far));
    for (const [each, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(each);
      each
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(each);
          other.destroy();
        });
      each.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  const cut = () => {
    isCut = true;
    for (const each of sockets) each.destroy();
  };
  open.push(() => {
    cut();
    line.close();
  });
  const mend = (to = target) => {
    target = to;
    isCut = false;
  };
  /** Reads nothing that the broker sends, as a node whose processor is busy. */
  const stall = () => {
    for (const [far, near] of downward) far.unpipe(near).pause();
  };
  const flow = () => {
    for (const [far, near] of downward) far.pipe(near);
  };
  const { port: own } = line.address() as AddressInfo;
  /** How many connections were tried. */
  const tried = () => attempts;
  return { port: own, cut, mend, stall, flow, tried };
}
