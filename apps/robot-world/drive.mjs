// A demonstration for users of iTwin.js: it drives a robot, and uses only packages of iTwin.js. Run `npm start` first.
import { once } from 'node:events';
import {
  IpcWebSocket,
  IpcWebSocketFrontend,
  IpcWebSocketMessage,
  IpcWebSocketTransport,
  unwrapIpcInvokeReturn,
} from '@itwin/core-common';
import { WebSocket } from 'ws';

const server = process.env.ROBOT_WORLD_URL ?? `http://127.0.0.1:${process.env.PORT ?? 3001}`;
const socket = new WebSocket(`${server.replace(/^http/, 'ws')}/ipc`);

/** Sends messages over the socket. In a browser `LocalhostIpcApp` of `@itwin/core-frontend` has its own transport. */
class SocketTransport extends IpcWebSocketTransport {
  #sent = 0;

  send(message) {
    message.sequence = this.#sent++;
    for (const frame of this.serialize(message)) socket.send(frame);
  }

  async receive(frame) {
    const message = await this.notifyIncoming(frame, socket);
    if (IpcWebSocketMessage.skip(message)) return;
    for (const receiver of IpcWebSocket.receivers) receiver({}, message);
  }
}

const transport = new SocketTransport();
IpcWebSocket.transport = transport;
const frontend = new IpcWebSocketFrontend();
socket.on('message', (data, isBinary) => void transport.receive(isBinary ? data : data.toString()));

const channel = 'itwin.robot-v1.2';
const call = async (method, ...args) =>
  unwrapIpcInvokeReturn(await frontend.invoke(channel, method, ...args));
const place = ({ x, y }) => `(${x.toFixed(2)} m, ${y.toFixed(2)} m)`;

async function driveAround() {
  await once(socket, 'open');
  const aisle = { minX: 30, minY: 12.8, maxX: 45, maxY: 15.8 };
  console.log('Robots in the aisle:', await call('subscribe', aisle));
  let moves = 0;
  frontend.addListener(channel, (_event, notification, robotId, position) => {
    if (notification === 'moved' && ++moves % 8 === 0)
      console.log(`  robot ${robotId} is at ${place(position)}`);
  });

  const robot = '0xa';
  for (const to of [
    { x: 40, y: 14.4 }, // along the aisle
    { x: 40, y: 20 }, // into a shelf
    { x: 36.9, y: 14.4 }, // where it came from
  ]) {
    console.log(`Robot ${robot} drives to ${place(to)}`);
    const { arrived, position, hit } = await call('drive', robot, to);
    const obstacle = hit?.length ? ` in front of ${hit.join(', ')}` : '';
    console.log(arrived ? 'It has arrived.' : `It has stopped at ${place(position)}${obstacle}.`);
  }
}

// Rejects also if the first connection fails.
const closed = once(socket, 'close').then(() => {
  throw new Error('The server has closed the connection.');
});
try {
  await Promise.race([driveAround(), closed]);
} catch ({ message }) {
  console.error(`${message}\nIs the server running at ${server}?`);
  process.exitCode = 1;
}
socket.close();
