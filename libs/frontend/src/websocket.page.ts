/** The WebSocket of the platform; `undefined` if it has none. */
export const PlatformWebSocket = (globalThis as { WebSocket?: unknown }).WebSocket;

/** A page is not told how an upgrade was refused. */
export function onRefusal(_socket: unknown, _refused: (reason: string) => void): void {}
