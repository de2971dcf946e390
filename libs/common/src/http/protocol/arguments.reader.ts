import { GENERAL_ERROR, IModelError } from '../../error/imodel.error.js';
import { ByteCollector } from '../../base/bytes.js';
import { boundaryOf, MultipartError } from '../../value/multipart.codec.js';
import { MultipartReader } from '../../value/multipart.reader.js';
import { decodeValue } from '../../value/value.codec.js';
import type { WireLimits } from '../../base/limits.js';
import { badRequest, HttpError, noRoom, tooLarge } from './message.js';

/** Reads the arguments of a call from a request body as it arrives. */
export interface HttpBody {
  /** Bytes that are read at the most. */
  readonly limit: number;
  /** Whether what is pushed is kept until the end. */
  readonly keeps: boolean;
  /** @throws HttpError if the body cannot become arguments */
  push(chunk: Uint8Array): void;
  /** @throws HttpError if the body is broken, IModelError if its arguments cannot be read */
  end(): unknown[];
}

/** Makes text of UTF-8. */
export type DecodeText = (bytes: Uint8Array) => string;

/** A request without a body, its arguments in the target; or one whose body is read for nothing. */
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

/** In the place of a body for which room was lacking. */
export const refusedBody: HttpBody = {
  limit: Infinity,
  keeps: false,
  push() {
    throw noRoom();
  },
  end() {
    throw noRoom();
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
    // Decoded as a whole, so that no character is torn apart.
    return decodeArguments(this.decodeText(this.#bytes.view()), [], this.limits);
  }
}

/** One argument that is bytes. */
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

/** JSON text with binary markers, and the byte strings they refer to. Goes by the names of the parts. */
class MultipartBody implements HttpBody {
  readonly keeps = true;
  readonly #reader: MultipartReader;
  readonly limit: number;

  constructor(
    contentType: string,
    private readonly limits: WireLimits,
    private readonly decodeText: DecodeText,
  ) {
    this.limit = limits.multipartBytes;
    this.#reader = asBadRequest(() => new MultipartReader(boundaryOf(contentType), limits));
  }

  push(chunk: Uint8Array): void {
    asBadRequest(() => this.#reader.push(chunk));
  }

  end(): unknown[] {
    const parts = new Map(asBadRequest(() => this.#reader.end()).map(({ name, bytes }) => [name, bytes]));
    const objects = parts.get('objects');
    if (!objects) throw badRequest('The multipart body has no part "objects".');
    // The great limit is for bytes; text of that size would take seconds, and twenty times its memory, to read.
    if (objects.byteLength > this.limits.bodyBytes) throw tooLarge(this.limits.bodyBytes);
    const data: Uint8Array[] = [];
    for (let bytes = parts.get('data-0'); bytes; bytes = parts.get(`data-${data.length}`)) data.push(bytes);
    return decodeArguments(this.decodeText(objects), data, this.limits);
  }
}

/** @throws IModelError if the text is not a list of arguments */
export function decodeArguments(objects: string, data: readonly Uint8Array[], limits: WireLimits): unknown[] {
  // A byte order mark is not part of the text.
  const text = objects.startsWith('\ufeff') ? objects.slice(1) : objects;
  const list = decodeValue(text, data, limits.depth);
  if (!Array.isArray(list))
    throw new IModelError(GENERAL_ERROR, 'Invalid request: the body is no list of arguments.');
  if (list.length > limits.arguments)
    throw new IModelError(GENERAL_ERROR, `Invalid request: more than ${limits.arguments} arguments.`);
  return list;
}

function asBadRequest<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MultipartError ? badRequest(error.message) : error;
  }
}

/**
 * Chooses how a body is read by its content type.
 *
 * @throws HttpError 415 for a content type that carries no call
 */
export function bodyFor(contentType: string, limits: WireLimits, decodeText: DecodeText): HttpBody {
  if (contentType === 'text/plain') return new TextBody(limits, decodeText);
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'text/plain') {
    const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1]?.toLowerCase();
    if (charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii')
      return new TextBody(limits, decodeText);
  }
  if (type === 'application/octet-stream') return new BinaryBody(limits.bodyBytes);
  if (type === 'multipart/form-data') return new MultipartBody(contentType, limits, decodeText);
  throw new HttpError(
    415,
    `Invalid request: content type "${contentType}" carries no call; use text/plain, application/octet-stream or multipart/form-data.`,
  );
}
