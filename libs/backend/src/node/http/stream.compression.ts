import { pipeline, Readable } from 'node:stream';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { HttpResponse, StreamBody } from '@linnet/common';

/** Low levels, because the chunks of a stream are small. Each is flushed. */
const compressors = {
  br: () =>
    createBrotliCompress({
      flush: constants.BROTLI_OPERATION_FLUSH,
      params: { [constants.BROTLI_PARAM_QUALITY]: 3 },
    }),
  gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH, level: 3 }),
};

/** Compresses the stream of an answer that asks for it. The client gets each chunk at once. */
export function compressStream(
  answer: HttpResponse,
  stream: StreamBody,
): HttpResponse & { stream: StreamBody } {
  const { encoding, headers, ...rest } = answer;
  if (!encoding) return { ...answer, stream };
  const compressor = pipeline(readableOf(stream), compressors[encoding](), () => undefined);
  const chunks = compressor[Symbol.asyncIterator]() as StreamBody;
  return {
    ...rest,
    headers: [...headers, 'Content-Encoding', encoding],
    stream: {
      next: () => chunks.next(),
      return: async () => {
        compressor.destroy();
        return stream.return();
      },
    },
  };
}

/** The body as a stream of Node. Destroyed, it returns the body. */
export function readableOf(stream: StreamBody): Readable {
  return Readable.from({ [Symbol.asyncIterator]: () => stream }, { objectMode: false });
}
