import { HttpError } from './message.js';

/**
 * What unpacks a body.
 *
 * @param decoders by the names of the encodings that a platform reads
 * @returns `undefined` for a body that is not packed
 * @throws HttpError 415 for an encoding that is not read
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
