// Frontends that come and go, well and badly behaved.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const SEND = 0;
const INVOKE = 2;
const bytes = (length) => ({ ipc: 'binary', type: 0, index: length });

/** A frontend that numbers its messages, and is told of every frame. */
class Frontend {
  #sequence = 0;
  #request = 0;
  /** By request: who waits. */
  #waiting = new Map();
  pushes = 0;

  constructor(port) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ipc`, { perMessageDeflate: false });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => resolve(code));
    });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data, isBinary) => {
      if (!isBinary) this.#take(JSON.parse(JSON.parse(data.toString())[0]));
    });
  }

  static async open(port) {
    const frontend = new Frontend(port);
    await once(frontend.socket, 'open');
    return frontend;
  }

  message(message, ...parts) {
    const text = JSON.stringify({ ...message, sequence: this.#sequence++ });
    this.socket.send(JSON.stringify([text, parts.length]));
    for (const part of parts) this.socket.send(part);
  }

  tell(channel, ...data) {
    this.message({ type: SEND, channel, data });
  }

  /** @returns the data of the answer */
  call(channel, method, data = [], ...parts) {
    const request = ++this.#request;
    const answer = new Promise((resolve) => this.#waiting.set(request, resolve));
    this.message({ type: INVOKE, channel, method, data, request }, ...parts);
    return Promise.race([answer, this.closed.then((code) => ({ closed: code }))]);
  }

  #take({ channel, response, data }) {
    if (response !== undefined) {
      this.#waiting.get(response)?.(data);
      this.#waiting.delete(response);
    } else if (channel === 'itwin.soak-ask') this.tell(data[0], data[1]);
    else this.pushes++;
  }
}

const call = (frontend, method, ...data) => frontend.call('itwin.soak', method, data);

function expect(isTrue, what) {
  if (!isTrue) throw new Error(`not as expected: ${what}`);
}

/** The behaviour of frontends; each resolves when its session is over. */
const lives = {
  async 'calls, pushes, binary'(port, n) {
    const frontend = await Frontend.open(port);
    const part = Buffer.alloc((n * 977) % 100_000, n);
    const sums = await Promise.all(Array.from({ length: 20 }, (_, i) => call(frontend, 'add', i, n)));
    expect(
      sums.every(({ result }, i) => result === i + n),
      'sums',
    );
    await frontend.call('itwin.soak', 'echo', [bytes(0)], part);
    await call(frontend, 'push', 50, 1000);
    expect(frontend.pushes === 50, `${frontend.pushes} pushes`);
    const { error } = await call(frontend, 'fail', 'as it should');
    expect(error.message === 'as it should', 'the error');
    await call(frontend, 'unknown');
    frontend.socket.close(1000);
    await frontend.closed;
  },
  async 'scoped handlers'(port, n) {
    const frontend = await Frontend.open(port);
    for (let i = 0; i < 5; i++) frontend.tell('itwin.soak-tell', i);
    const { result } = await frontend.call('itwin.soak-scoped', 'put', [n]);
    expect(result === 5, `${result} heard`);
    await Promise.all([1, 2, 3].map((i) => frontend.call('itwin.soak-scoped', 'put', [i])));
    frontend.socket.close();
    await frontend.closed;
  },
  async 'calls of the backend'(port, n) {
    const frontend = await Frontend.open(port);
    expect((await call(frontend, 'askBack', n)).result === n, 'the reply');
    // One that is not answered any more.
    void call(frontend, 'askBack', n);
    frontend.socket.terminate();
    await frontend.closed;
  },
  async 'leaves without a word'(port) {
    const frontend = await Frontend.open(port);
    for (let i = 0; i < 5; i++) void call(frontend, 'untilGone');
    void call(frontend, 'answerLate');
    void frontend.call('itwin.soak-scoped', 'put', [1]);
    await call(frontend, 'add', 1, 2);
    frontend.socket._socket.resetAndDestroy();
    await frontend.closed;
  },
  async 'leaves at once'(port) {
    const frontend = await Frontend.open(port);
    frontend.socket.terminate();
    await frontend.closed;
  },
  async 'half a message'(port, n) {
    const frontend = await Frontend.open(port);
    frontend.socket.send(JSON.stringify(['{}', 3]));
    frontend.socket.send(Buffer.alloc(50_000));
    // Every other one waits until it is told to go.
    if (n % 2 === 0) frontend.socket.terminate();
    const code = await frontend.closed;
    expect(n % 2 === 0 || code === 1002, `${code}`);
  },
  async 'a gap'(port, n) {
    const frontend = await Frontend.open(port);
    for (let sequence = 1; sequence < 20; sequence++)
      frontend.socket.send(
        JSON.stringify([
          JSON.stringify({
            type: 2,
            channel: 'c',
            method: 'm',
            request: 1,
            data: ['x'.repeat(1000)],
            sequence,
          }),
          0,
        ]),
      );
    if (n % 2 === 0) frontend.socket.terminate();
    const code = await frontend.closed;
    expect(n % 2 === 0 || code === 1002, `${code}`);
  },
  async violations(port, n) {
    const frontend = await Frontend.open(port);
    const wrong = ['x', '[]', '["{}",-1]', '["[",0]', `["${'['.repeat(2000)}",0]`, Buffer.of(1)];
    void call(frontend, 'answerLate');
    frontend.socket.send(wrong[n % wrong.length]);
    const code = await frontend.closed;
    expect([1002, 1007].includes(code), `${code}`);
  },
  async 'frames that are none'(port, n) {
    const frontend = await Frontend.open(port);
    const wrong = [
      Buffer.of(0x81, 1, 1),
      Buffer.of(0xff, 0x80, 1, 2, 3, 4),
      Buffer.of(0x81, 0xff, 255, 255, 255, 255, 0, 0, 0, 0),
    ];
    frontend.socket._socket.write(wrong[n % 3]);
    const code = await frontend.closed;
    expect([1002, 1009].includes(code), `${code}`);
  },
  async 'does not read'(port) {
    const frontend = await Frontend.open(port);
    void call(frontend, 'flood', 20, 1024 * 1024);
    frontend.socket.pause();
    // Sleeps: the backend fills its buffers meanwhile, and nothing reports that to a frontend that does not read.
    await sleep(100);
    frontend.socket.terminate();
    await frontend.closed;
  },
  async 'is not let in'(port, n) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = [
      'GET /ipc HTTP/1.1',
      'Host: 127.0.0.1',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      n % 2 === 0 ? 'Origin: http://elsewhere.example' : 'Sec-WebSocket-Key: none',
    ].join('\r\n');
    if (n % 3 === 0) socket.write(head, () => socket.destroy());
    else socket.write(`${head}\r\n\r\n`);
    socket.resume();
    await once(socket, 'close');
  },
};

const names = Object.keys(lives);

/**
 * Has frontends live, so many at once, until the time is over.
 *
 * @returns how many there were
 */
export async function load(port, milliseconds, atOnce) {
  const deadline = performance.now() + milliseconds;
  let count = 0;
  const live = async () => {
    while (performance.now() < deadline) {
      const n = count++;
      const name = names[n % names.length];
      try {
        await lives[name](port, Math.floor(n / names.length));
      } catch (error) {
        throw new Error(`${name}, frontend ${n}`, { cause: error });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, live));
  return count;
}
