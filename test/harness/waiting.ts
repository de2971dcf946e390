import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
// Fake timers replace the global function only, so that a test can wait while its time is stopped.
import { setTimeout as pause } from 'node:timers/promises';

/** How often a condition is looked at, in milliseconds. */
const LOOK_MS = 2;
/** A frame passes several queues on its way. Each round trip lets every queue run once. */
const ROUND_TRIPS = 12;

/**
 * Waits until there is a value, or until a condition holds. For events that no emitter reports.
 *
 * @param look returns the value; a falsy value means "not yet"
 * @throws Error if a value is still missing after `withinMs` milliseconds
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${look.toString()}`);
    await pause(LOOK_MS);
  }
}

/**
 * Waits until everything has arrived that was already on its way in this process or over loopback. Use it before a check that
 * something did not happen. It counts round trips and not time, so that a busy machine does not change the result.
 */
export async function settled(): Promise<void> {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    socket.write('x');
    await once(socket, 'data');
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.destroy();
  server.close();
  await once(server, 'close');
}

/** Waits until a port of 127.0.0.1 accepts connections. */
export async function listening(port: number): Promise<void> {
  const accepts = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true));
      socket.on('connect', () => socket.destroy());
      socket.on('error', () => resolve(false));
    });
  await until(accepts);
}

/** A promise that a test resolves by hand. An operation waits for it where time would have to pass otherwise. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
