// The checks that start an example as a developer does share these functions.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 200;

/** @returns a port of 127.0.0.1 that nothing listens on, as text */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return String(port);
}

/** @returns whether a backend answers on a port */
export const answers = (port) =>
  fetch(`http://127.0.0.1:${port}/ping`).then(
    (response) => response.ok,
    () => false,
  );

/**
 * Waits until a condition holds, and prints that it does.
 *
 * @param what names the condition
 * @param output returns the lines that the process has printed, for the error
 * @throws Error if the condition does not hold after `withinMs` milliseconds
 */
export async function until(what, condition, output, withinMs) {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}:\n${output()}`);
    // Sleeps: another process reports neither that it answers nor that it has ended.
    await sleep(LOOK_MS);
  }
  console.log(`${what}: yes`);
}
