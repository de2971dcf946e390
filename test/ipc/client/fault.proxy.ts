import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The fault of the n-th frame in one direction, counted over all connections. */
export interface Fault {
  way: 'up' | 'down';
  frame: number;
  kind:
    | 'drop'
    | 'duplicate'
    | 'delay'
    | 'split'
    | 'cut before'
    | 'cut inside'
    | 'cut behind'
    | 'stutter'
    | 'stall';
}

/** A connection of a frontend to its backend that does what it should not. The upgrade passes as it is. */
export class FaultProxy {
  faults: readonly Fault[] = [];
  /** Frames that have come, by their way. */
  frames = { up: 0, down: 0 };
  /** Connections that were cut at once, and that were not. */
  refused = 0;
  taken = 0;
  port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => this.#serve(near));
  #refuses = false;

  constructor(private readonly target: number) {}

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Begins to count anew. */
  plan(faults: readonly Fault[]): void {
    this.faults = faults;
    this.frames = { up: 0, down: 0 };
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Whether connections are cut as soon as they are made. */
  set refuses(refuses: boolean) {
    this.#refuses = refuses;
    if (refuses) this.cut();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #serve(near: Socket): void {
    if (this.#refuses) {
      this.refused++;
      near.destroy();
      return;
    }
    this.taken++;
    const far = connect(this.target, '127.0.0.1');
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    this.#pass('up', near, far, end);
    this.#pass('down', far, near, end);
  }

  #pass(way: Fault['way'], from: Socket, to: Socket, end: () => void): void {
    let upgraded = false;
    let stalled = false;
    let bytes: Buffer = Buffer.alloc(0);
    /** Writes chunks one after the other, each after so many turns of the event loop. */
    let queue = Promise.resolve();
    const write = (piece: Buffer, turns = 0) => {
      queue = queue.then(async () => {
        for (let turn = 0; turn < turns; turn++) await nextTurn();
        if (!to.destroyed && !stalled) to.write(piece);
      });
    };
    const cut = () => {
      queue = queue.then(end);
    };
    from.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!upgraded) {
        const head = bytes.indexOf('\r\n\r\n');
        if (head < 0) return;
        upgraded = true;
        write(bytes.subarray(0, head + 4));
        bytes = bytes.subarray(head + 4);
      }
      for (let length = frameLength(bytes); length !== undefined; length = frameLength(bytes)) {
        const frame = bytes.subarray(0, length);
        bytes = bytes.subarray(length);
        const number = this.frames[way]++;
        const fault = this.faults.find((each) => each.way === way && each.frame === number);
        const half = frame.subarray(0, Math.ceil(length / 2));
        if (!fault) write(frame);
        else if (fault.kind === 'duplicate') write(Buffer.concat([frame, frame]));
        else if (fault.kind === 'stutter') write(Buffer.concat([startOf(frame), frame]));
        else if (fault.kind === 'delay') write(frame, 50);
        else if (fault.kind === 'split') {
          write(half);
          write(frame.subarray(half.length), 5);
        } else if (fault.kind === 'stall') queue = queue.then(() => void (stalled = true));
        else if (fault.kind !== 'drop') {
          if (fault.kind === 'cut behind') write(frame);
          if (fault.kind === 'cut inside') write(half);
          cut();
        }
      }
    });
    from.on('end', cut);
  }
}

/** How long the frame is that bytes begin with (RFC 6455, 5.2); `undefined` if it is not all there. */
function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = bytes[1]! & 0x80 ? 4 : 0;
  if (bytes.length < 2 + extended + masked) return undefined;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const whole = 2 + extended + masked + length;
  return bytes.length < whole ? undefined : whole;
}

/**
 * The part of a frame that is sent twice: of bytes only the head, because only TCP itself notices an array with other
 * bytes.
 */
function startOf(frame: Buffer): Buffer {
  const isBinary = (frame[0]! & 0xf) === 2;
  return frame.subarray(0, isBinary ? 4 : Math.ceil(frame.length / 2));
}
