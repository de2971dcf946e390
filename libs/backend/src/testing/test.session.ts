import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { WebSocket } from 'ws';
import { compatibleWire, durableTextWire, IpcFrontend } from '@linnet/common';
import type { IpcConnector, IpcFrame, IpcFrontendOptions, IpcTransport } from '@linnet/common';
import { DURABLE_PROTOCOL, mergeOptions } from '@linnet/common/internal';
import { IpcHost } from '../ipc/host/ipc.host.js';
import { IPC_OPTIONS } from '../ipc/host/ipc.tokens.js';
import type { IpcModuleOptions } from '../ipc/host/ipc.options.js';
import { connectInProcess } from './socketless.send.js';
import { applicationOf } from './test.application.js';
import type { ApplicationSource } from './test.application.js';

/** Options of a frontend in a test. */
export interface TestIpcSessionOptions extends IpcFrontendOptions {
  /** Headers of the upgrade request, for instance of whoever guards and `authorize` are to let in. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A ticket of `IpcTicketService`. */
  readonly ticket?: string;
  /** Speaks the compatible wire, as iTwin.js does. Default `false`. */
  readonly compatible?: boolean;
}

/**
 * Opens a session of an application that does not listen. The upgrade goes through the application's own HTTP server, so
 * that `authorize`, guards and all else run; only the socket is missing.
 *
 * ```ts
 * const session = await createTestIpcSession(module);
 * expect(await session.makeIpcProxy<RobotIpc>('robot-v1.2').sayHello('abc', 10, true)).toBe('hello: abc 10 true');
 * ```
 *
 * @param app as for `createTestRpcClient`
 * @returns the frontend's side, with its session open; it ends with the application, or by `close()`
 * @throws IpcClosedError (rejection) when the upgrade is refused, with the status in its reason
 */
export async function createTestIpcSession(
  app: INestApplication | ApplicationSource,
  options: TestIpcSessionOptions = {},
): Promise<IpcFrontend> {
  const application = await applicationOf(app);
  // Says what is missing in an application without IPC.
  application.get(IpcHost, { strict: false });
  const { path = 'ipc' } = application.get<IpcModuleOptions>(IPC_OPTIONS, { strict: false });
  const { headers, ticket, compatible, ...rest } = options;
  const query = ticket === undefined ? '' : `?ticket=${encodeURIComponent(ticket)}`;
  const url = `ws://localhost/${path.replace(/^\/+|\/+$/g, '')}${query}`;
  const server = application.getHttpServer() as Server;
  const open = () =>
    new WebSocket(url, compatible ? [] : [DURABLE_PROTOCOL], {
      headers,
      createConnection: () => connectInProcess(server) as Socket,
    });
  // One that is refused, or ended, is told so, and not tried again behind the test's back.
  const frontend = new IpcFrontend(connector(open), mergeOptions({ reconnect: false }, rest));
  await frontend.ready;
  return frontend;
}

function connector(open: () => WebSocket): IpcConnector {
  return (events) => {
    const socket = open();
    let refusal = '';
    socket.on('open', () =>
      events.opened(socket.protocol === DURABLE_PROTOCOL ? durableTextWire : compatibleWire),
    );
    socket.on('message', (data: Buffer, isBinary) => events.frame(isBinary ? data : data.toString()));
    // The error of `ws` for a refused upgrade has the status in its message.
    socket.on('error', (error) => (refusal = error.message));
    const transport = new TestTransport(socket);
    socket.on('close', (code, reason) => {
      const { initiator } = transport;
      events.closed({ code, reason: reason.toString() || refusal, initiator });
    });
    return transport;
  };
}

class TestTransport implements IpcTransport {
  readonly bufferedBytes = 0;
  /** The side that closes the connection. */
  initiator: 'local' | 'remote' = 'remote';

  constructor(private readonly socket: WebSocket) {}

  write(frame: IpcFrame): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(frame as string | Uint8Array);
  }

  defer(work: () => void): void {
    process.nextTick(work);
  }

  async drained(): Promise<void> {
    // Nothing waits for long in one process.
  }

  close(code: number, reason: string): void {
    this.initiator = 'local';
    this.socket.close(code, reason);
  }
}
