import { HttpError } from './message.js';

/**
 * Returns the decompressor of a body.
 *
 * @param decoders by the names of the encodings that a platform reads
 * @returns `undefined` if the body is not compressed
 * @throws HttpError 415 if the encoding is unknown
 */
export function decoderFor<T>(
  contentEncoding: string | null | undefined,
  decoders: ReadonlyMap<string, T>,
): T | undefined {
  const name = contentEncoding?.toLowerCase() ?? '';
  if (name === '' || name === 'identity') return undefined;
  const decoder = decoders.get(name);
  if (decoder === undefined)
    throw new HttpError(415, `Invalid request: content encoding "${contentEncoding}" is not read.`);
  return decoder;
}
