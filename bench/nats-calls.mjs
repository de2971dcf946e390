// Calls from one process to another one over NATS.
import { startNats } from './brokers.mjs';
import { startServer } from './processes.mjs';
import { order } from './rooms-load.mjs';

/** @returns calls in a second, and the processor time of each in microseconds */
export async function callsOverNats(system, count) {
  const nats = await startNats();
  const started = { env: nats.env, isPinned: false };
  const server = await startServer(`nats-${system}-serve`, ['--expose-gc'], started);
  const caller = await startServer(`nats-${system}-call`, ['--expose-gc'], started);
  const usage = async () =>
    Promise.all([
      server.resources().then(({ cpuMicros }) => cpuMicros),
      caller.resources().then(({ cpuMicros }) => cpuMicros),
      nats.cpuMicros(),
    ]);
  await order(caller, { rooms: [], count: count / 4 });
  const before = await usage();
  const start = performance.now();
  await order(caller, { rooms: [], count });
  const seconds = (performance.now() - start) / 1000;
  const after = await usage();
  await Promise.all([server.stop(), caller.stop()]);
  await nats.stop();
  const [ofServer, ofCaller, ofBroker] = after.map((micros, i) => (micros - before[i]) / count);
  return { rate: count / seconds, server: ofServer, caller: ofCaller, broker: ofBroker };
}
