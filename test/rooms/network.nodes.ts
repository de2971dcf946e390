import { isDeepStrictEqual } from 'node:util';
import { defaultIpcLimits, durableTextWire, IpcFrontend, IpcRooms, IpcServer } from '@linnet/common';
import type {
  CallReport,
  IpcBackplane,
  IpcConnector,
  IpcFrameEvents,
  IpcFrontendOptions,
  IpcLimits,
  IpcRoomsOptions,
  IpcServerTransport,
} from '@linnet/common';

/** One end of a connection within this process, which a test can break. */
class End implements IpcServerTransport {
  peer!: End;
  receiver: IpcFrameEvents | undefined;
  isClosed = false;
  /** Bytes that the peer has not read; a test sets it to make a reader slow. */
  bufferedBytes = 0;
  whenDrained: Promise<void> = Promise.resolve();
  /** How much was written in all. */
  writtenBytes = 0;
  #paused = 0;
  readonly #held: (() => void)[] = [];

  write(frame: unknown): void {
    const copy = frame instanceof Uint8Array ? frame.slice() : frame;
    this.writtenBytes += (copy as string | Uint8Array).length;
    if (this.isClosed) return;
    queueMicrotask(() => this.peer.take(() => this.peer.receiver?.frame(copy as string)));
  }

  take(work: () => void): void {
    if (this.isClosed) return;
    if (this.#paused > 0) this.#held.push(work);
    else work();
  }

  defer(work: () => void): void {
    queueMicrotask(work);
  }

  drained(): Promise<void> {
    return this.whenDrained;
  }

  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { peer } = this;
    queueMicrotask(() => {
      if (!peer.isClosed) peer.end({ code, reason, initiator: 'remote' });
    });
    queueMicrotask(() => this.receiver?.closed({ code, reason, initiator: 'local' }));
  }

  end(closure: { code: number; reason: string; initiator: 'remote' }): void {
    this.isClosed = true;
    this.receiver?.closed(closure);
  }

  /** The connection breaks without a word. */
  cut(): void {
    for (const each of [this, this.peer])
      if (!each.isClosed) each.end({ code: 1006, reason: 'cut', initiator: 'remote' });
  }

  terminate(): void {
    this.close(1006, '');
  }

  pause(): void {
    this.#paused++;
  }

  resume(): void {
    if (this.#paused > 0 && --this.#paused > 0) return;
    for (const work of this.#held.splice(0)) this.take(work);
  }
}

/** A server over a network of this process. */
export interface NetworkNode {
  readonly server: IpcServer;
  readonly rooms: IpcRooms;
  readonly reports: CallReport[];
  /** Ends the server in good order: its sessions move. */
  close(): Promise<void>;
  /** Ends the server at once. */
  end(): Promise<void>;
}

/** Starts a server whose sessions outlive their connections. */
export function startNode(
  backplane: IpcBackplane,
  props: {
    limits?: Partial<IpcLimits>;
    graceMs?: number;
    heartbeatMs?: number;
  } & Partial<IpcRoomsOptions> = {},
): NetworkNode {
  const { limits, graceMs = 20_000, heartbeatMs = 0, ...options } = props;
  const reports: CallReport[] = [];
  const report = (each: CallReport) => void reports.push(each);
  const server = new IpcServer({
    limits: { ...defaultIpcLimits, ...limits },
    invokeTimeoutMs: 20_000,
    heartbeatMs,
    resumption: { graceMs, isSameUser: isDeepStrictEqual },
    shutdownTimeoutMs: 200,
    report,
  });
  const rooms = new IpcRooms(server, {
    backplane,
    userKey: (user) => JSON.stringify(user),
    invokeTimeoutMs: 20_000,
    report,
    ...options,
  });
  const close = async (timeoutMs = 3000) => {
    await server.close(timeoutMs);
    await server.ended();
    await rooms.close();
  };
  return { server, rooms, reports, close, end: () => close(0) };
}

/** A frontend whose connections a test leads to one node or another. */
export interface RovingFrontend {
  readonly frontend: IpcFrontend;
  /** The first arguments of the notifications on channel `news`. */
  readonly news: unknown[];
  /** The states that the frontend has had, each with its code. */
  readonly states: string[];
  /** How many connections it has begun. */
  readonly attempts: number;
  /** The node that the next connections lead to. */
  readonly node: NetworkNode | undefined;
  /** Leads the next connections to a node; to nobody without one. */
  to(node: NetworkNode | undefined): void;
  /** Breaks the connection. */
  cut(): void;
  /** The end of the connection at the server. */
  serverEnd(): End;
  /** Id and secret of the last server hello. */
  keys(): readonly [id: string, secret: string];
}

/** A pair of ends, whose first belongs to the frontend. */
function pair(): [End, End] {
  const [near, far] = [new End(), new End()];
  near.peer = far;
  far.peer = near;
  return [near, far];
}

function accept(node: NetworkNode, far: End, user: unknown): void {
  const owner = user === undefined ? undefined : JSON.stringify(user);
  const peer = { reach: 'network', isNative: false, user, owner } as const;
  far.receiver = node.server.accept(far, durableTextWire, peer);
}

/**
 * A backplane whose functions a test can hold or fail.
 *
 * @param before is called before each function of a node; the function waits for what it returns, and rejects with it
 */
export function intercepted(
  hub: IpcBackplane,
  before: (name: string, args: readonly unknown[]) => Promise<void> | undefined,
): IpcBackplane {
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'logs') return value && wrap(value);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const run = (): unknown => Reflect.apply(value, target, args);
          const waiting = before(String(name), args);
          return waiting ? waiting.then(run) : run();
        };
      },
    });
  return { join: (id, events) => wrap(hub.join(id, events)) };
}

/** A connection by hand, which sends one frame. */
export function knock(
  node: NetworkNode,
  user: unknown,
  frame: string,
): { frames: string[]; closed?: number } {
  const seen: { frames: string[]; closed?: number } = { frames: [] };
  const [near, far] = pair();
  near.receiver = {
    frame: (each) => void seen.frames.push(each as string),
    closed: ({ code }) => (seen.closed = code),
  };
  accept(node, far, user);
  near.write(frame);
  return seen;
}

/** Connects a frontend to a node. */
export function rove(
  node: NetworkNode,
  user?: unknown,
  options: IpcFrontendOptions = { reconnectMs: [5, 20] },
): RovingFrontend {
  let target: NetworkNode | undefined = node;
  let near: End | undefined;
  let attempts = 0;
  let keys: readonly [string, string] = ['', ''];
  const connect: IpcConnector = (events) => {
    const [mine, far] = pair();
    mine.receiver = {
      frame(frame) {
        if (typeof frame === 'string' && frame.startsWith('[10,"')) {
          const [, id, secret] = JSON.parse(frame) as [number, string, string];
          keys = [id, secret];
        }
        events.frame(frame);
      },
      closed: (closure) => events.closed(closure),
    };
    near = mine;
    attempts++;
    const chosen = target;
    queueMicrotask(() => {
      if (mine.isClosed) return;
      if (!chosen) {
        mine.end({ code: 1006, reason: 'nobody', initiator: 'remote' });
        return;
      }
      accept(chosen, far, user);
      if (!far.isClosed) events.opened(durableTextWire);
    });
    return mine;
  };
  const frontend = new IpcFrontend(connect, options);
  const news: unknown[] = [];
  frontend.addListener('news', (_event: unknown, first: unknown) => void news.push(first));
  frontend.handle('echo', async (...args: unknown[]) => args);
  const states: string[] = [];
  frontend.onStateChange((state, closure) => states.push(closure ? `${state} ${closure.code}` : state));
  return {
    frontend,
    news,
    states,
    get attempts() {
      return attempts;
    },
    get node() {
      return target;
    },
    to: (next) => (target = next),
    cut: () => near?.cut(),
    serverEnd: () => near!.peer,
    keys: () => keys,
  };
}
