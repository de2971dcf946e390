/** The WebSocket of the platform; `undefined` where there is none. */
export const PlatformWebSocket = (globalThis as { WebSocket?: unknown }).WebSocket;
