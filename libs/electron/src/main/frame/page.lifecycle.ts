import type { ElectronContents, ElectronFrame, ElectronListener } from '../electron/electron.types.js';

/** The error of Chromium for a page that stays: a download, or an answer without content. */
const ERR_ABORTED = -3;

/** Selects the frames of a window that an end concerns. */
export type EndedFrames = (frame: ElectronFrame) => boolean;

const all: EndedFrames = () => true;

/**
 * Finds out when the page in a frame of a window is gone: reloaded, left for another, crashed, closed.
 *
 * @param ended called for each page, with the reason as a sentence
 * @returns a function that ends it
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
