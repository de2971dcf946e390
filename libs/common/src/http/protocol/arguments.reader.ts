import { GENERAL_ERROR, IModelError } from '../../error/imodel.error.js';
import { ByteCollector } from '../../bytes/bytes.js';
import { boundaryOf, MultipartError } from '../../value/multipart.codec.js';
import type { Part } from '../../value/multipart.codec.js';
import { MultipartReader } from '../../value/multipart.reader.js';
import type { PartSink } from '../../value/multipart.reader.js';
import { sizeOf } from '../../value/value.size.js';
import { FrameKind, STREAM_TYPE } from './stream.frames.js';
import { FrameError, FrameReader, readItem } from './stream.reader.js';
import type { Frame, FrameLimits } from './stream.reader.js';
import { UploadedStream } from './uploaded.stream.js';
import { decodeValue } from '../../value/value.codec.js';
import { ITEM_BYTES } from '../../base/limits.js';
import type { WireLimits } from '../../base/limits.js';
import { badRequest, HttpError, noSpace, tooLarge } from './message.js';

/** Reads the arguments of a call from a request body as it arrives. */
export interface HttpBody {
  /** The most bytes that are read. */
  readonly limit: number;
  /** Whether pushed bytes are kept until the end. */
  readonly keeps: boolean;
  /** A stream among the arguments: they are complete, and the rest of the body is its items. */
  readonly upload?: UploadedStream | undefined;
  /** @throws HttpError if the body cannot become arguments */
  push(chunk: Uint8Array): void;
  /** @throws HttpError if the body is broken, IModelError if its arguments cannot be read */
  end(): unknown[];
}

/** Decodes UTF-8. */
export type DecodeText = (bytes: Uint8Array) => string;

/** For a request without a body, with its arguments in the target, or with a body that is ignored. */
export class FixedBody implements HttpBody {
  readonly keeps = false;
  constructor(
    readonly limit: number,
    private readonly read: () => unknown[],
  ) {}
  push(): void {}
  end(): unknown[] {
    return this.read();
  }
}

/** Replaces a body for which no space was left. */
export const refusedBody: HttpBody = {
  limit: Infinity,
  keeps: false,
  push() {
    throw noSpace();
  },
  end() {
    throw noSpace();
  },
};

/** JSON text: the list of arguments. */
class TextBody implements HttpBody {
  readonly keeps = true;
  readonly #bytes = new ByteCollector();
  readonly limit: number;

  constructor(
    private readonly limits: WireLimits,
    private readonly decodeText: DecodeText,
  ) {
    this.limit = limits.bodyBytes;
  }

  push(chunk: Uint8Array): void {
    this.#bytes.push(chunk);
  }

  end(): unknown[] {
    // Decoded at once, so that no character is split.
    return decodeArguments(this.decodeText(this.#bytes.view()), [], this.limits);
  }
}

/** A single binary argument. */
class BinaryBody implements HttpBody {
  readonly keeps = true;
  readonly #bytes = new ByteCollector();
  constructor(readonly limit: number) {}

  push(chunk: Uint8Array): void {
    this.#bytes.push(chunk);
  }

  end(): unknown[] {
    return [this.#bytes.take()];
  }
}

/**
 * JSON text with binary markers, and the byte strings that they refer to. Parts are recognized by name. A last part
 * `stream-0` is a stream among the arguments.
 */
class MultipartBody implements HttpBody {
  readonly keeps = true;
  readonly #reader: MultipartReader;
  readonly limit: number;
  upload: UploadedStream | undefined;

  constructor(
    contentType: string,
    private readonly limits: WireLimits,
    private readonly decodeText: DecodeText,
  ) {
    this.limit = limits.multipartBytes;
    this.#reader = formatErrorAsBadRequest(
      () =>
        new MultipartReader(boundaryOf(contentType), limits, (name, before) => {
          if (this.upload) throw badRequest('A part follows the stream.');
          return name.startsWith('stream-') ? this.#begin(name, before) : undefined;
        }),
    );
  }

  push(chunk: Uint8Array): void {
    formatErrorAsBadRequest(() => this.#reader.push(chunk));
  }

  end(): unknown[] {
    const parts = formatErrorAsBadRequest(() => this.#reader.end());
    return this.upload ? this.upload.arguments : this.#decode(parts);
  }

  #begin(name: string, before: readonly Part[]): PartSink {
    if (name !== 'stream-0') throw badRequest('The body has more than one stream.');
    const upload = new UploadedStream();
    upload.arguments = withStream(upload, (stream) => this.#decode(before, stream));
    this.upload = upload;
    return {
      // Bytes of the platform's own kind, as a Buffer, become plain ones.
      data: ({ buffer, byteOffset, byteLength }) =>
        upload.items.push(new Uint8Array(buffer, byteOffset, byteLength), ITEM_BYTES + byteLength),
      end: () => undefined,
    };
  }

  #decode(list: readonly Part[], stream?: () => object): unknown[] {
    const parts = new Map(list.map(({ name, bytes }) => [name, bytes]));
    const objects = parts.get('objects');
    if (!objects) throw badRequest('The multipart body has no part "objects".');
    // The larger limit is for bytes. Reading text of that size would take seconds and twenty times its memory.
    if (objects.byteLength > this.limits.bodyBytes) throw tooLarge(this.limits.bodyBytes);
    const data: Uint8Array[] = [];
    for (let bytes = parts.get('data-0'); bytes; bytes = parts.get(`data-${data.length}`)) data.push(bytes);
    return decodeArguments(this.decodeText(objects), data, this.limits, stream);
  }
}

/** Frames: the arguments, and then the items of the stream among them. */
class FramesBody implements HttpBody {
  readonly keeps = true;
  readonly limit: number;
  readonly #frames: FrameReader;
  readonly #limits: FrameLimits;
  upload: UploadedStream | undefined;
  #hasEnded = false;

  constructor(private readonly limits: WireLimits) {
    const { bodyBytes } = limits;
    this.limit = bodyBytes;
    this.#limits = { bytes: bodyBytes, text: bodyBytes, bytesName: 'bodyBytes', textName: 'bodyBytes' };
    this.#frames = new FrameReader(this.#limits);
  }

  push(chunk: Uint8Array): void {
    this.#frames.push(chunk);
    for (let frame; (frame = formatErrorAsBadRequest(() => this.#frames.next()));) this.#receive(frame);
  }

  end(): unknown[] {
    if (!this.upload || !this.#hasEnded || !this.#frames.isBetween)
      throw badRequest('The stream has no end.');
    return this.upload.arguments;
  }

  #receive(frame: Frame): void {
    if (frame.kind === FrameKind.KeepAlive) return;
    if (this.#hasEnded) throw badRequest('A frame follows the end of the stream.');
    const { depth, parts } = this.limits;
    const { upload } = this;
    if (!upload) this.#begin(frame);
    else if (frame.kind === FrameKind.End) this.#hasEnded = true;
    else if (!upload.isOver) {
      const item = anyErrorAsBadRequest(() => readItem(frame, this.#limits, depth, parts));
      upload.items.push(item, ITEM_BYTES + sizeOf(item));
    }
  }

  #begin(frame: Frame): void {
    const upload = new UploadedStream();
    const { depth, parts } = this.limits;
    upload.arguments = withStream(upload, (stream) =>
      checkArguments(readItem(frame, this.#limits, depth, parts, stream), this.limits),
    );
    upload.pending = this.#frames;
    this.upload = upload;
  }
}

/** Reads arguments of which exactly one is the stream. @throws HttpError 400 if the stream has another place */
function withStream(upload: UploadedStream, read: (stream: () => object) => unknown[]): unknown[] {
  let places = 0;
  const mark = () => {
    places++;
    return upload.items;
  };
  const args = anyErrorAsBadRequest(() => read(mark));
  if (places !== 1 || !args.includes(upload.items))
    throw badRequest('The stream must be exactly one of the arguments, and not inside one.');
  return args;
}

/** Makes every error of reading the error 400. @throws HttpError if the reading fails */
function anyErrorAsBadRequest<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof HttpError ? error : badRequest((error as Error).message);
  }
}

/** @throws IModelError if the text is not a list of arguments */
export function decodeArguments(
  objects: string,
  data: readonly Uint8Array[],
  limits: WireLimits,
  stream?: () => object,
): unknown[] {
  // A byte order mark is not part of the text.
  const text = objects.startsWith('\ufeff') ? objects.slice(1) : objects;
  return checkArguments(decodeValue(text, data, limits.depth, stream), limits);
}

function checkArguments(list: unknown, limits: WireLimits): unknown[] {
  if (!Array.isArray(list))
    throw new IModelError(GENERAL_ERROR, 'Invalid request: the body is no list of arguments.');
  if (list.length > limits.arguments)
    throw new IModelError(GENERAL_ERROR, `Invalid request: more than ${limits.arguments} arguments.`);
  return list;
}

/** Makes errors of the format of the body the error 400. Errors of its arguments stay as they are. */
function formatErrorAsBadRequest<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MultipartError || error instanceof FrameError ? badRequest(error.message) : error;
  }
}

/**
 * Chooses how a body is read by its content type.
 *
 * @param json whether `application/json` is accepted
 * @throws HttpError 415 for a content type that carries no call
 */
export function bodyFor(
  contentType: string,
  limits: WireLimits,
  decodeText: DecodeText,
  json = false,
): HttpBody {
  if (contentType === 'text/plain') return new TextBody(limits, decodeText);
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'text/plain') {
    const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1]?.toLowerCase();
    if (charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii')
      return new TextBody(limits, decodeText);
  }
  // JSON is always UTF-8 (RFC 8259).
  if (json && type === 'application/json') return new TextBody(limits, decodeText);
  if (type === 'application/octet-stream') return new BinaryBody(limits.bodyBytes);
  if (type === 'multipart/form-data') return new MultipartBody(contentType, limits, decodeText);
  if (type === STREAM_TYPE) return new FramesBody(limits);
  throw new HttpError(
    415,
    `Invalid request: content type "${contentType}" carries no call; use text/plain, application/octet-stream or multipart/form-data.`,
  );
}
