// A load generator that costs little itself: ready-made request bytes over keep-alive sockets, each of which
// has one request on its way.
import { once } from 'node:events';
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const DIGIT_2 = 0x32;

class Connection {
  #socket;
  #request;
  #begun = undefined;
  #missing = 0;
  #kept = undefined;
  #done = () => {};

  constructor(port, request) {
    this.#request = request;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('close', () => this.#done(new Error('The server closed a connection.')));
    this.#socket.on('error', () => {});
  }

  async open() {
    await once(this.#socket, 'connect');
  }

  close() {
    this.#done = () => {};
    this.#socket.destroy();
  }

  /** Sends the request; `done` gets an error, or nothing once the answer is there. */
  send(done) {
    this.#done = done;
    this.#socket.write(this.#request);
  }

  /** Sends the request and keeps the answer. */
  async ask() {
    this.#kept = [];
    await new Promise((resolve, reject) => this.send((error) => (error ? reject(error) : resolve())));
    const answer = Buffer.concat(this.#kept);
    this.#kept = undefined;
    const end = answer.indexOf(HEAD_END) + HEAD_END.length;
    return { head: answer.latin1Slice(0, end), body: answer.subarray(end) };
  }

  #read(chunk) {
    this.#kept?.push(chunk);
    if (this.#missing > 0) this.#missing -= chunk.length;
    else if (!this.#readHead(chunk)) return;
    if (this.#missing === 0) this.#done();
  }

  /** Whether the head was complete, and its answer a success. */
  #readHead(chunk) {
    const bytes = this.#begun ? Buffer.concat([this.#begun, chunk]) : chunk;
    const end = bytes.indexOf(HEAD_END);
    this.#begun = end < 0 ? bytes : undefined;
    if (end < 0) return false;
    const head = bytes.latin1Slice(0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (bytes[9] !== DIGIT_2 || length === undefined) {
      this.#done(new Error(`Unexpected answer: ${bytes.latin1Slice(0, 2000)}`));
      return false;
    }
    this.#missing = Number(length) - (bytes.length - end - HEAD_END.length);
    return true;
  }
}

/**
 * Puts a server under load, after one request whose answer is checked.
 *
 * @param goal `connections`, and for how long (`milliseconds`) or how often (`count`)
 * @param measured called right before and right after
 */
export async function load(port, request, check, { connections, milliseconds, count }, measured) {
  const all = Array.from({ length: connections }, () => new Connection(port, request));
  try {
    await Promise.all(all.map((connection) => connection.open()));
    const { head, body } = await all[0].ask();
    if (!check(body, head)) throw new Error(`Wrong answer: ${head}${body.latin1Slice(0, 500)}`);
    const before = await measured();
    const loadBefore = process.cpuUsage();
    const start = performance.now();
    const deadline = milliseconds === undefined ? Infinity : start + milliseconds;
    const requests = await exchange(all, deadline, count ?? Infinity);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(loadBefore);
    const after = await measured();
    const cpuMicros = after.cpuMicros - before.cpuMicros;
    return { requests, seconds, cpuMicros, loadMicros: user + system, peakKiB: after.peakKiB };
  } finally {
    for (const connection of all) connection.close();
  }
}

function exchange(connections, deadline, count) {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    let idle = 0;
    const next = (connection) => {
      if (sent >= count || performance.now() >= deadline) {
        if (++idle === connections.length) resolve(answered);
        return;
      }
      sent++;
      connection.send((error) => {
        if (error) {
          reject(error);
          return;
        }
        answered++;
        next(connection);
      });
    };
    for (const connection of connections) next(connection);
  });
}
