// How each server is spoken to. A call is prepared once and gives the text of the n-th message of a connection;
// what comes back is only searched while measuring, and read in full before.
const MIB = 1024 * 1024;

/** 1 MiB whose halves differ. */
const payload = Buffer.alloc(MIB, 1).fill(2, MIB / 2);

/** JSON text frames and nothing else: what the floor speaks. */
const json = {
  path: '/',
  call: (method, args) => {
    const tail = `,"method":"${method}","args":${JSON.stringify(args)}}`;
    return (n) => `{"id":${n}${tail}`;
  },
  /** Bytes are a frame of their own, without a text. */
  echo: () => ({ bytes: payload }),
  sum: '"result":42}',
  pushed: '"moved"',
  resultOf: (text) => JSON.parse(text).result,
  pushOf: (text) => JSON.parse(text).data,
};

/** The iTwin.js wire: JSON in JSON, then the binary parts. */
const iTwin = {
  path: '/ipc',
  call: (method, args, parts = 0) => {
    const begin = { type: 2, channel: 'itwin.bench', method, data: args };
    const head = JSON.stringify([`${JSON.stringify(begin).slice(0, -1)},"request":`]).slice(0, -2);
    return (n) => `${head}${n + 1},\\"sequence\\":${n}}",${parts}]`;
  },
  echo: () => ({ text: iTwin.call('echo', [{ ipc: 'binary', type: 0, index: 0 }], 1), bytes: payload }),
  announces: '\\"ipc\\":\\"binary\\"',
  sum: '\\"result\\":42}',
  pushed: 'itwin.bench-push',
  resultOf: (text) => JSON.parse(JSON.parse(text)[0]).data.result,
  pushOf: (text) => JSON.parse(JSON.parse(text)[0]).data,
};

/** Our own wire: the messages of a turn are one frame, and what has come is acknowledged. */
const durable = {
  path: '/ipc',
  protocol: 'linnet.ipc.1',
  greeting: [['[10,', undefined]],
  hello: '[9]',
  join: (first, messages) => `[${first},${messages.join()}]`,
  acknowledgement: (received) => `[8,${received}]`,
  call: (method, args) => {
    // The frames of a frontend without options.
    const tail = `,"itwin.bench","${method}",${JSON.stringify(args)},"${crypto.randomUUID()}",60000]`;
    return (n) => `[2,${n + 1}${tail}`;
  },
  sum: '{"result":42}]',
  resultOf: (text) => JSON.parse(text)[1][3].result,
};

/** A Nest gateway under `WsAdapter`: no request ids, no binary. */
const gateway = {
  path: '/gateway',
  call: (event, args) => {
    const text = JSON.stringify({ event, data: event === 'push' ? args[0] : args });
    return () => text;
  },
  echo: () => ({ bytes: Buffer.from(JSON.stringify({ event: 'echo', data: base64 })), asText: true }),
  sum: '"data":42}',
  pushed: '"moved"',
  resultOf: (text) => JSON.parse(text).data,
  pushOf: (text) => JSON.parse(text).data,
};
const base64 = payload.toString('base64');

/** Socket.IO 4 over its WebSocket transport alone, answers as acknowledgements. */
const socketIo = {
  path: '/socket.io/?EIO=4&transport=websocket',
  /** The first frames of both ends. */
  greeting: [['0', '40'], ['40']],
  call: (event, args) => {
    const tail = JSON.stringify([event, event === 'push' ? args[0] : args]);
    return (n) => `42${n}${tail}`;
  },
  echo: () => ({ text: (n) => `451-${n}["echo",{"_placeholder":true,"num":0}]`, bytes: payload }),
  announces: '"_placeholder"',
  sum: '[42]',
  pushed: '"moved"',
  resultOf: (text) => JSON.parse(text.slice(text.indexOf('[')))[0],
  pushOf: (text) => JSON.parse(text.slice(text.indexOf('['))).slice(1),
};

export const wires = {
  'ws-raw': json,
  'ws-raw-with-nest': json,
  'ipc-linnet': iTwin,
  'ipc-linnet-durable': durable,
  'ipc-reference': iTwin,
  'ws-nest-gateway': gateway,
  'socket.io': socketIo,
};

/**
 * The frames of a call of `add`, or of a method that does the same.
 *
 * `answers` tells how many answers a frame completes: none where it only announces one, undefined where it should
 * not have come. `check` is for the frames of one answer.
 */
export function addition(wire, method) {
  const sum = Buffer.from(wire.sum);
  return {
    text: wire.call(method, [20, 22]),
    answers: (frame, isBinary) => {
      if (isBinary) return undefined;
      if (!wire.join) return frame.includes(sum) ? 1 : undefined;
      return occurrences(frame, sum);
    },
    check: ([frame]) => wire.resultOf(String(frame)) === 42,
  };
}

/** The frames of a call of `echo`. */
export function echo(wire) {
  const request = wire.echo();
  const announces = wire.announces && Buffer.from(wire.announces);
  return {
    ...request,
    answers: (frame, isBinary) => {
      if (isBinary || request.asText) return frame.length === request.bytes.length ? 1 : undefined;
      return announces && frame.includes(announces) ? 0 : undefined;
    },
    check: (frames) => frames.at(-1).equals(request.bytes),
  };
}

function occurrences(frame, text) {
  let count = 0;
  for (let at = frame.indexOf(text); at >= 0; at = frame.indexOf(text, at + text.length)) count++;
  return count;
}
