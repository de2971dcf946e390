// Reads and sends streams on the durable wire at little cost.
import { Client, frameOf } from './ipc-client.mjs';
import { wires } from './ipc-wires.mjs';

const PIECE_BYTES = 64 * 1024;
const WINDOW = 512 * 1024;
/** An item counts these bytes beside its own. */
const ITEM_BYTES = 64;
/** A quarter of the window holds about as many small items, and two pieces. */
const REPORT_ITEMS = 1024;
const REPORT_PIECES = 2;
const ACKNOWLEDGE = 64;
/** The end of every small item. */
const SMALL_ITEM = Buffer.from(',1.5,2.5]');
const MASK = Buffer.from([0x4c, 0x69, 0x6e, 0x6e]);
const ACTIVITY = '0f8fad5b-d9cb-469f-a165-70867728950e';

/** A session that numbers its own messages. */
export class StreamSession {
  #client;
  #request = 0;
  #sent = 0;
  #received = 0;
  #acknowledged = 0;

  static async open(port) {
    const session = new StreamSession();
    // Frames of uploads have numbers, too, so that nothing else may number messages.
    session.#client = await Client.open(port, { ...wires['ipc-linnet-durable'], join: undefined });
    return session;
  }

  close() {
    return this.#client.close();
  }

  /** Reads a stream of small items. @returns how many there were, when the first one came, and the frames of a few */
  small(count) {
    const request = ++this.#request;
    const message = Buffer.from(`[5,${request},0,`);
    const end = Buffer.from(`[6,${request},0]`);
    let items = 0;
    let untaken = 0;
    let first;
    const frames = [];
    return this.#read(`[2,${request},"itwin.bench","small",[${count}],"${ACTIVITY}",0,[0]]`, (frame) => {
      // A message has several items.
      const more = occurrences(frame, SMALL_ITEM);
      if (count < 10) frames.push(String(frame));
      if (more > 0) first ??= performance.now();
      items += more;
      untaken += more;
      const isOver = frame.includes(end);
      this.#receive(occurrences(frame, message) + (isOver ? 1 : 0));
      if (isOver) return { items, first, frames };
      if (untaken >= REPORT_ITEMS) {
        this.#report(request, untaken);
        untaken = 0;
      }
      return undefined;
    });
  }

  /** Reads a stream of pieces of bytes. @returns how many bytes came */
  bytes(count) {
    const request = ++this.#request;
    const end = Buffer.from(`[6,${request},0]`);
    let bytes = 0;
    let untaken = 0;
    return this.#read(
      `[2,${request},"itwin.bench","bytes",[${count}],"${ACTIVITY}",0,[0]]`,
      (frame, isBinary) => {
        if (!isBinary) {
          if (!frame.includes(end)) return undefined;
          this.#receive(1);
          return bytes;
        }
        // The length of the only array: the second block.
        bytes += frame.readUInt32LE(8);
        this.#received++;
        if (++untaken === REPORT_PIECES) {
          this.#report(request, untaken);
          untaken = 0;
        }
        return undefined;
      },
    );
  }

  /** Sends pieces of bytes as an argument. @returns how many bytes the method has read */
  upload(count) {
    const request = ++this.#request;
    const answer = /\[3,\d+,"itwin.bench",\{"result":(\d+)/;
    const taken = new RegExp(`\\[7,${request},1,(\\d+)\\]`, 'g');
    let sent = 0;
    let unread = 0;
    const pump = () => {
      for (; sent < count && unread < WINDOW; sent++, unread += PIECE_BYTES + ITEM_BYTES)
        this.#sendPiece(request);
      if (sent === count) {
        this.#send(`[6,${request},1]`);
        sent++;
      }
    };
    const result = this.#read(`[2,${request},"itwin.bench","upload",[null],"${ACTIVITY}",0,[1]]`, (frame) => {
      const text = String(frame);
      const done = answer.exec(text);
      for (const [, items] of text.matchAll(taken)) {
        this.#receive(1);
        unread -= Number(items) * (PIECE_BYTES + ITEM_BYTES);
      }
      if (!done) {
        pump();
        return undefined;
      }
      this.#receive(1);
      return Number(done[1]);
    });
    pump();
    return result;
  }

  #read(call, take) {
    return new Promise((resolve, reject) => {
      this.#client.onClose = reject;
      this.#client.onFrame = (frame, isBinary) => {
        if (!isBinary && frame.includes('"error":')) reject(new Error(`Unexpected frame: ${frame}`));
        const result = take(frame, isBinary);
        if (result !== undefined) resolve(result);
      };
      this.#send(call);
    });
  }

  /** Reports what was taken, and acknowledges it in the same frame. */
  #report(request, items) {
    this.#acknowledged = this.#received;
    this.#send(`[7,${request},0,${items}],[8,${this.#received}]`);
  }

  #send(message) {
    this.#client.send(`[${this.#sent++},${message}]`);
  }

  #receive(count) {
    this.#received += count;
    if (this.#received - this.#acknowledged >= ACKNOWLEDGE) this.#acknowledge();
  }

  #acknowledge() {
    this.#acknowledged = this.#received;
    this.#client.send(`[${this.#sent},[8,${this.#received}]]`);
  }

  /** The head of the frame is made anew, and the bytes are ready-made. */
  #sendPiece(request) {
    const text = `[${this.#sent++},[5,${request},1,{"ipc":"binary","type":0,"index":0}]]`;
    const start = 16;
    const bytesAt = (start + text.length + 7) & ~7;
    const head = Buffer.alloc(14 + bytesAt);
    head[0] = 0x82;
    head[1] = 0xff;
    head.writeBigUInt64BE(BigInt(bytesAt + PIECE_BYTES), 2);
    MASK.copy(head, 10);
    head.writeUInt32LE(2, 14);
    head.writeUInt32LE(text.length, 18);
    head.writeUInt32LE(PIECE_BYTES, 22);
    head.latin1Write(text, 14 + start);
    for (let i = 14; i < head.length; i++) head[i] ^= MASK[(i - 14) & 3];
    this.#client.sendFrame(head);
    this.#client.sendFrame(maskedPiece);
  }
}

/** Bytes that follow a multiple of four others. */
const maskedPiece = Buffer.from(frameOf({ bytes: Buffer.alloc(PIECE_BYTES, 1) }).subarray(14));

function occurrences(frame, text) {
  let count = 0;
  for (let at = frame.indexOf(text); at >= 0; at = frame.indexOf(text, at + text.length)) count++;
  return count;
}
