// Speaks IPC with nothing but a WebSocket. A message is JSON within JSON; this one calls `stop` of `robot-v1.2`:
//
//   ["{\"type\":2,\"channel\":\"itwin.robot-v1.2\",\"method\":\"stop\",\"data\":[\"0x1\"],\"request\":7,\"sequence\":9}",0]
//
// Inside is the message: what it is, for whom, its arguments. Outside is the frame: the message as text, and how many
// binary frames follow it. Typed arrays travel in those; nothing about robots needs any.
const messageType = { push: 1, invoke: 2, response: 3 };

/**
 * Pairs this page with a session of the server's, for as long as both live.
 *
 * @param channel what both sides call it, for instance `robot-v1.2`
 * @param notifications functions by name, for the server to call
 * @param onClose is told when the session is over
 * @returns once there is a connection: calls a method of the server's handler
 */
export async function connect(channel, notifications, onClose) {
  const url = new URL('ipc', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  const wireChannel = `itwin.${channel}`;
  /** Calls that wait for their answer, by the number of the request. */
  const waiting = new Map();
  let requests = 0;
  // Each side numbers what it sends, from 0 and without a gap.
  let sequence = 0;

  socket.addEventListener('message', ({ data: frame }) => {
    const [text] = JSON.parse(frame);
    const { type, channel, response, data } = JSON.parse(text);
    if (type === messageType.response) {
      const { resolve, reject } = waiting.get(response);
      waiting.delete(response);
      if (data.error === undefined) resolve(data.result);
      else reject(new Error(data.error.message ?? data.error));
    } else if (type === messageType.push && channel === wireChannel) {
      const [name, ...args] = data;
      notifications[name]?.(...args);
    }
  });

  const closed = () => new Error('The connection is closed.');
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('close', () => reject(closed()));
  });
  socket.addEventListener('close', () => {
    for (const { reject } of waiting.values()) reject(closed());
    onClose();
  });

  return (method, ...args) =>
    new Promise((resolve, reject) => {
      if (socket.readyState !== WebSocket.OPEN) throw closed();
      const request = ++requests;
      waiting.set(request, { resolve, reject });
      const { invoke: type } = messageType;
      const message = { type, channel: wireChannel, method, data: args, request, sequence: sequence++ };
      socket.send(JSON.stringify([JSON.stringify(message), 0]));
    });
}
