// The wire of IPC, written a second time and in the simplest way: what is tested must not test itself.

/** A kind of bytes. */
export interface Kind {
  readonly name: string;
  new (memory: ArrayBuffer): ArrayBufferView;
}

/** The kinds of bytes, by their number on the wire. */
export const kinds: readonly Kind[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  DataView,
];

export const MessageType = { Send: 0, Push: 1, Invoke: 2, Response: 3 } as const;

/** A message as it is on the wire; what a type does not have is absent. */
export interface IpcMessage {
  type: number;
  channel: string;
  method?: string;
  response?: number;
  data?: unknown;
  request?: number;
  sequence: number;
}

/** A frame as the recorded vectors write it: text as it is, bytes in hexadecimal. */
export type RawFrame = { text: string } | { binary: string };

export const hexOf = (view: ArrayBufferView) =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex');

/** The frames of a message: one of text, then one for each view in its data. */
export function framesOf(message: object): [text: string, ...parts: Buffer[]] {
  const parts: Buffer[] = [];
  const marked = JSON.stringify(message, function (this: Record<string, unknown>, key: string, value) {
    // As it was before `toJSON` of a Buffer.
    const own = this[key];
    if (!ArrayBuffer.isView(own)) return value as unknown;
    const type = Buffer.isBuffer(own) ? 0 : kinds.findIndex((kind) => own.constructor.name === kind.name);
    return { ipc: 'binary', type, index: parts.push(Buffer.from(hexOf(own), 'hex')) - 1 };
  });
  return [textOf(marked, parts.length), ...parts];
}

/** The text frame around a message that is JSON already. */
export const textOf = (message: string, parts: number) => JSON.stringify([message, parts]);

/** How many frames of bytes a text frame announces. */
export const partsOf = (text: string) => (JSON.parse(text) as [string, number])[1];

export function messageOf(text: string, parts: readonly Buffer[]): IpcMessage {
  const [message] = JSON.parse(text) as [string, number];
  return JSON.parse(message, (_key, value: unknown) => {
    if (!isMarker(value)) return value;
    const kind = kinds[value.type];
    const part = parts[value.index];
    if (!kind || !part) throw new Error(`no such part: ${JSON.stringify(value)}`);
    // Memory of its own: the bytes of a frame begin anywhere.
    return new kind(Uint8Array.from(part).buffer);
  }) as IpcMessage;
}

function isMarker(value: unknown): value is { ipc: 'binary'; type: number; index: number } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'ipc')
    ? (value as { ipc: unknown }).ipc === 'binary'
    : false;
}
