/** The WebSocket of the platform; `undefined` if it has none. */
export const PlatformWebSocket = (globalThis as { WebSocket?: unknown }).WebSocket;

/** A page does not learn why an upgrade was refused. */
export function onRefusal(_socket: unknown, _refused: (reason: string) => void): void {}
