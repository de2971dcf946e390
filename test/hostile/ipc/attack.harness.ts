import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { WebSocket } from 'ws';
import {
  ClientRequestContext,
  IpcChannel,
  IpcSession,
  RpcInterface,
  RpcPendingResponse,
  serveMessagePort,
} from '@linnet/backend';
import { messagePortIpc } from '@linnet/common';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import type { IpcFrontendOptions } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import type { IpcAppSetup, IpcTestApp } from '../../harness/ipc.harness.js';

/** The calls and messages that handlers received, in order. */
export const log: unknown[] = [];

/** A list in so many lists. */
export function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

/** JSON text that no peer accepts. */
export const prototypeMember = (): unknown => JSON.parse('{"__proto__":{"a":1}}');

let release!: () => void;
let released!: Promise<void>;
const holdAgain = () => (released = new Promise((resolve) => (release = resolve)));
void holdAgain();
/** Ends all calls that are held, also those that are still on their way. */
export const letGo = (): void => release();

@IpcChannel('target')
class Target {
  constructor(private readonly session: IpcSession) {
    session.addListener('heard', (_event, value) => void log.push(['heard', value]));
  }
  async echo(value: unknown) {
    log.push(['echo', value]);
    return value;
  }
  async give(what: string) {
    return what === 'proto' ? prototypeMember() : nested(600);
  }
  async hold() {
    await released;
    return 'held';
  }
  async flood(times: number, bytes: number) {
    for (let i = 0; i < times; i++) void this.session.send('flood', 'x'.repeat(bytes)).catch(() => undefined);
  }
}

@IpcChannel('one-by-one', { sequential: true })
class OneByOne {
  async run(name: string) {
    log.push(['run', name]);
    if (name === 'held') await released;
    return name;
  }
}

/** Over RPC. */
export abstract class Clock {
  static readonly interfaceName = 'Clock';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = ['left', 'later'] as const;
  abstract left(): Promise<number | null>;
  abstract later(): Promise<void>;
}
@RpcInterface(Clock)
class ClockImpl implements Clock {
  async left() {
    const { deadline } = ClientRequestContext.current;
    return deadline === undefined ? null : deadline - Date.now();
  }
  async later(): Promise<void> {
    throw new RpcPendingResponse('soon');
  }
}

const frontends: IpcFrontend[] = [];
const ports: MessagePort[] = [];
const raws: WebSocket[] = [];

export const start = (ipc: IpcAppSetup['ipc'] = {}): Promise<IpcTestApp> =>
  startIpcApp({ ipc, rpc: {}, providers: [Target, OneByOne, ClockImpl] });

/** For `afterEach`. */
export async function end(): Promise<void> {
  letGo();
  for (const frontend of frontends.splice(0)) frontend.close();
  for (const port of ports.splice(0)) port.close();
  for (const raw of raws.splice(0)) raw.terminate();
  await closeIpcApps();
  log.length = 0;
  void holdAgain();
}

/** How a frontend reaches an application. */
export const wires = ['compatible', 'durable', 'port'] as const;
export type Wire = (typeof wires)[number];

/** A frontend, and the states it goes through. */
export function open(app: IpcTestApp, wire: Wire, options: IpcFrontendOptions = {}) {
  const compatible = wire === 'compatible';
  const connect =
    wire === 'port'
      ? messagePortIpc(portOf(app))
      : webSocketIpc(`ws://127.0.0.1:${app.port}/ipc`, { compatible });
  const frontend = new IpcFrontend(connect, options);
  frontends.push(frontend);
  const states: string[] = [];
  frontend.onStateChange((state, closure) => states.push(closure ? `${state} ${closure.code}` : state));
  return { frontend, states, target: frontend.makeIpcProxy<Target>('target') };
}

/** The frontend's end of a channel that the application serves. */
export function portOf({ app }: IpcTestApp): MessagePort {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  serveMessagePort(app, port1);
  return port2;
}

/** A connection by hand. */
export interface Raw {
  readonly socket: WebSocket;
  readonly frames: string[];
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** Opens a connection by hand, and sends a first frame where there is one. */
export async function raw({ port }: IpcTestApp, protocols: string[], first?: string): Promise<Raw> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ipc`, protocols);
  raws.push(socket);
  const frames: string[] = [];
  socket.on('message', (data: Buffer) => frames.push(data.toString()));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  if (first !== undefined) socket.send(first);
  return { socket, frames, closed };
}

/** The error that a promise rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    (value) => {
      throw new Error(`It was to fail, and gave ${JSON.stringify(value)}.`);
    },
    (error: Error) => error,
  );
}
