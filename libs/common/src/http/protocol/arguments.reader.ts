import { GENERAL_ERROR, IModelError } from '../../error/imodel.error.js';
import { ByteCollector } from '../../base/bytes.js';
import { boundaryOf, MultipartError } from '../../value/multipart.codec.js';
import { MultipartReader } from '../../value/multipart.reader.js';
import { decodeValue } from '../../value/value.codec.js';
import type { WireLimits } from '../../base/limits.js';
import { badRequest, HttpError, noRoom, tooLarge } from './message.js';

/** Reads the arguments of a call from a request body as it arrives. */
export interface HttpBody {
  /** The most bytes that are read. */
  readonly limit: number;
  /** Whether pushed bytes are kept until the end. */
  readonly keeps: boolean;
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

/** Replaces a body for which no room was left. */
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

/** JSON text with binary markers, and the byte strings that they refer to. Parts are recognized by name. */
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
    // The larger limit is for bytes. Reading text of that size would take seconds and twenty times its memory.
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
