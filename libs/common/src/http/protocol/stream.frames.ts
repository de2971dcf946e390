/** The content type of a stream of frames, of an answer and of a request (docs/wire-extension.md#101-frames). */
export const STREAM_TYPE = 'application/vnd.linnet.stream';

/** The content type of server-sent events. */
export const EVENTS_TYPE = 'text/event-stream';

/** The kinds of frames. A frame is one byte with its kind, four bytes with its length, little-endian, and its content. */
export const FrameKind = {
  /** Says that the sender is there. Without content. */
  KeepAlive: 0,
  /** An item as JSON text; without content if the item is absent. */
  Value: 1,
  /** An item that is a byte string. */
  Bytes: 2,
  /** An item with byte strings in it: blocks, the first of which is its JSON text. */
  Blocks: 3,
  /** The end of the stream. */
  End: 4,
  /** The end of the stream with an error: its members as JSON text. */
  Error: 5,
  /** Progress of the call, as JSON text. */
  Progress: 6,
} as const;

/** Bytes before the content of a frame. */
export const FRAME_HEAD = 5;

/** The format of the answer of a streaming operation. */
export type StreamFormat = 'frames' | 'events';

/** The format that a client accepts; `undefined` if it cannot receive a stream. */
export function chooseFormat(accept: string): StreamFormat | undefined {
  const types = accept.toLowerCase();
  if (types.includes(EVENTS_TYPE)) return 'events';
  return types.includes(STREAM_TYPE) ? 'frames' : undefined;
}

/** Whether a content type is the one of a stream of frames. */
export function isStreamType(contentType: string | null | undefined): boolean {
  // Every request is asked, and most have another first letter or length.
  if (!contentType || contentType.length < STREAM_TYPE.length) return false;
  return contentType.split(';', 1)[0]!.trim().toLowerCase() === STREAM_TYPE;
}

/** Marks the content type of a multipart body whose last part is a stream, so that its length is not limited. */
export const STREAM_PARAMETER = '; stream=1';

/** Whether the length of a body includes a stream, which is not held. */
export function announcesStream(contentType: string): boolean {
  return (
    isStreamType(contentType) || (/^multipart\//i.test(contentType) && contentType.includes(STREAM_PARAMETER))
  );
}
