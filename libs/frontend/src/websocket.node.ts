import { WebSocket } from 'ws';

/** Node 20 has no WebSocket of its own, and that of later versions cannot be given headers. */
export const PlatformWebSocket: unknown = WebSocket;
