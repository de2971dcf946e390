/** The text frames of the connection, both ways, in order. */
export const frames = [];

/**
 * The parts of a browser that the frontend needs. It has no `document`: with one it would draw.
 *
 * @param Base the WebSocket class of `ws`
 */
export function environment(Base) {
  class WebSocket extends Base {
    constructor(url) {
      super(url);
      this.binaryType = 'blob';
      this.on('message', (data, isBinary) => isBinary || frames.push({ from: 'backend', text: `${data}` }));
    }
    send(data) {
      if (typeof data === 'string') frames.push({ from: 'frontend', text: data });
      super.send(data);
    }
  }
  // A global of Node 22 that cannot be assigned.
  const navigator = { userAgent: 'node', hardwareConcurrency: 1, language: 'en' };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  return { WebSocket, window: globalThis, location: { hash: '' } };
}
