import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { until } from '../../harness/waiting.js';

/** A client below HTTP: writes bytes, and reads one answer with a length. */
export class RawSocket {
  readonly #socket: Socket;
  #received = '';
  #closed = false;

  private constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => (this.#received += chunk.toString('latin1')));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => (this.#closed = true));
  }

  static async open(port: number): Promise<RawSocket> {
    const raw = new RawSocket(port);
    await new Promise((resolve) => raw.#socket.once('connect', resolve));
    return raw;
  }

  /** Writes a request's head. */
  head(target: string, ...headers: string[]): void {
    this.write(
      [`POST ${target} HTTP/1.1`, 'Host: localhost', 'X-Correlation-Id: raw', ...headers, '', ''].join(
        '\r\n',
      ),
    );
  }

  write(data: string | Uint8Array): void {
    this.#socket.write(data);
  }

  /** Waits until everything was written. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#socket.write('', () => resolve()));
  }

  async received(atLeast: number): Promise<void> {
    await until(() => this.#received.length >= atLeast || this.#closed);
  }

  /** Waits until the answer so far has this text in it. */
  async until(text: string): Promise<void> {
    await until(() => {
      if (this.#received.includes(text)) return true;
      if (this.#closed) throw new Error(`closed after: ${this.#received}`);
      return false;
    });
  }

  destroy(): void {
    this.#socket.resetAndDestroy();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether nothing has arrived so far. */
  get isSilent(): boolean {
    return this.#received === '';
  }

  /** The answer: its status and JSON body. Rejects if it does not arrive in time. */
  answer(withinMs?: number): Promise<{ status: number; body: any }> {
    return until(() => {
      const headEnd = this.#received.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(this.#received)?.[1];
      if (headEnd > 0 && length !== undefined && this.#received.length >= headEnd + 4 + Number(length)) {
        const body = Buffer.from(this.#received.slice(headEnd + 4), 'latin1').toString();
        return { status: Number(this.#received.slice(9, 12)), body: JSON.parse(body) };
      }
      if (this.#closed) throw new Error(`closed after: ${this.#received}`);
      return undefined;
    }, withinMs);
  }
}

/** A chunk of a chunked body. */
export function chunk(data: string | Uint8Array): Buffer {
  const bytes = Buffer.from(data as string);
  return Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

export const lastChunk = '0\r\n\r\n';
