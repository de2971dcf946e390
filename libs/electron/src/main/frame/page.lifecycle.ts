import type { ElectronContents, ElectronFrame, ElectronListener } from '../electron/electron.types.js';

/** What Chromium says of a page that is not left after all: a download, an answer without content. */
const ERR_ABORTED = -3;

/** Says which frames of a window an end is the end of. */
export type EndedFrames = (frame: ElectronFrame) => boolean;

const all: EndedFrames = () => true;

/**
 * Finds out when the page in a frame of a window is gone: reloaded, left for another, crashed, closed.
 *
 * @param ended is told of each, as a sentence
 * @returns stops
 */
export function onPageClosed(
  contents: ElectronContents,
  ended: (reason: string, frames: EndedFrames) => void,
): () => void {
  const left = (isMainFrame: boolean, processId: number, routingId: number) =>
    ended(
      'The page was left.',
      // A frame has the ids of the page that is in it by now.
      isMainFrame ? all : (frame) => frame.processId === processId && frame.routingId === routingId,
    );
  const navigated: ElectronListener = (_event, _url, _status, _text, ...frame) =>
    left(...(frame as Parameters<typeof left>));
  const failed: ElectronListener = (_event, error: number, _text, _url, ...frame) => {
    // An error page is in its place: nothing else tells of that.
    if (error !== ERR_ABORTED) left(...(frame as Parameters<typeof left>));
  };
  const gone: ElectronListener = (_event, { reason }: { readonly reason: string }) =>
    ended(`The page's process is gone: ${reason}.`, all);
  const closed = () => ended('The window was closed.', all);
  const events: readonly [name: string, listener: ElectronListener][] = [
    ['did-frame-navigate', navigated],
    ['did-fail-load', failed],
    ['render-process-gone', gone],
    ['destroyed', closed],
  ];
  for (const [name, listener] of events) contents.on(name, listener);
  return () => {
    for (const [name, listener] of events) contents.removeListener(name, listener);
  };
}
