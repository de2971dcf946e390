// A WebSocket client that costs little itself. `ws` connects and reads; frames to the server are written here,
// all of one turn of the event loop at once, and large ones are ready-made.
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';

// The same for every frame: the server has to undo it all the same.
const MASK = Buffer.from([0x4c, 0x69, 0x6e, 0x6e]);
const BATCH = 64 * 1024;
const PING = 0x32;
/** A frontend acknowledges after this time, or this many messages. */
const TELL_MS = 1000;
const TELL_MESSAGES = 64;

/** A whole frame, masked. */
export function frameOf({ bytes, asText = false }) {
  const frame = Buffer.alloc(14 + bytes.length);
  frame[0] = asText ? 0x81 : 0x82;
  frame[1] = 0xff;
  frame.writeBigUInt64BE(BigInt(bytes.length), 2);
  MASK.copy(frame, 10);
  bytes.copy(frame, 14);
  mask(frame, 14, frame.length);
  return frame;
}

function mask(bytes, start, end) {
  for (let i = start; i < end; i++) bytes[i] ^= MASK[(i - start) & 3];
}

export class Client {
  /** Called with each frame and whether it is binary. */
  onFrame = () => {};
  onClose = () => {};
  #wire;
  #socket;
  #webSocket;
  #batch = Buffer.allocUnsafe(BATCH);
  #length = 0;
  #flush = () => this.flush();
  /** On a wire that joins messages: those of this turn, and how many were sent, received and acknowledged. */
  #joined = [];
  #controls = [];
  #sent = 0;
  #received = 0;
  #told = 0;
  #telling;

  constructor(port, wire) {
    this.#wire = wire;
    this.#webSocket = new WebSocket(`ws://127.0.0.1:${port}${wire.path}`, wire.protocol ?? [], {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      createConnection: (options) => (this.#socket = connect({ ...options, path: undefined, noDelay: true })),
    });
    this.#webSocket.on('message', (frame, isBinary) => this.#read(frame, isBinary));
    this.#webSocket.on('error', (error) => this.onClose(error));
    this.#webSocket.on('close', (code, reason) =>
      this.onClose(new Error(`The server closed a connection: ${code} ${String(reason)}`)),
    );
  }

  /** A client that is connected and greeted. */
  static async open(port, wire) {
    const client = new Client(port, wire);
    await new Promise((resolve, reject) => {
      const greeting = [...(wire.greeting ?? [])];
      client.onClose = reject;
      client.#webSocket.on('open', () => {
        if (wire.hello) client.#write(wire.hello);
        if (greeting.length === 0) resolve();
      });
      client.onFrame = (frame) => {
        const [expected, reply] = greeting.shift() ?? [];
        if (!String(frame).startsWith(expected)) reject(new Error(`Unexpected greeting: ${frame}`));
        if (reply !== undefined) client.send(reply);
        if (greeting.length === 0) resolve();
      };
    });
    return client;
  }

  async close() {
    if (this.#webSocket.readyState === WebSocket.CLOSED) return;
    await new Promise((resolve) => {
      this.onFrame = () => {};
      this.onClose = resolve;
      this.#webSocket.close();
    });
  }

  /** Sends a short ASCII text at the end of this turn of the event loop. */
  send(text) {
    if (!this.#wire.join) {
      this.#write(text);
      return;
    }
    if (this.#joined.length === 0) process.nextTick(this.#flush);
    this.#joined.push(text);
  }

  /** So many messages have come, of which a wire that joins them tells the server from time to time. */
  received(count) {
    this.#received += count;
    if (!this.#wire.join) return;
    if (this.#received - this.#told >= TELL_MESSAGES) this.#tell();
    else this.#telling ??= setTimeout(() => this.#tell(), TELL_MS);
  }

  #tell() {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#told = this.#received;
    this.#controls.push(this.#wire.acknowledgement(this.#received));
    if (this.#joined.length === 0) process.nextTick(this.#flush);
  }

  #write(text) {
    const { length } = text;
    if (this.#length + length + 8 > BATCH) this.#send();
    if (this.#length === 0) process.nextTick(this.#flush);
    const batch = this.#batch;
    let at = this.#length;
    batch[at++] = 0x81;
    if (length < 126) {
      batch[at++] = 0x80 | length;
    } else {
      batch[at++] = 0xfe;
      batch[at++] = length >> 8;
      batch[at++] = length & 0xff;
    }
    MASK.copy(batch, at);
    batch.latin1Write(text, at + 4);
    mask(batch, at + 4, at + 4 + length);
    this.#length = at + 4 + length;
  }

  /** Sends what {@link frameOf} made, behind the texts that wait. */
  sendFrame(frame) {
    this.#socket.cork();
    this.flush();
    this.#socket.write(frame);
    this.#socket.uncork();
  }

  /** Sends a frame so often, and never more than the socket takes. */
  async sendFrames(frame, count) {
    this.flush();
    for (let i = 0; i < count; i++) if (!this.#socket.write(frame)) await once(this.#socket, 'drain');
  }

  flush() {
    const messages = [...this.#controls, ...this.#joined];
    if (messages.length > 0) {
      this.#write(this.#wire.join(this.#sent, messages));
      this.#sent += this.#joined.length;
      this.#joined = [];
      this.#controls = [];
    }
    this.#send();
  }

  #send() {
    if (this.#length === 0) return;
    this.#socket.write(Buffer.from(this.#batch.subarray(0, this.#length)));
    this.#length = 0;
  }

  #read(frame, isBinary) {
    // Engine.IO asks in this way whether its client is alive.
    if (frame.length === 1 && frame[0] === PING && this.#wire.greeting) this.send('3');
    else this.onFrame(frame, isBinary);
  }
}
