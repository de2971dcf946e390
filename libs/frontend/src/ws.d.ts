/** As much of `ws` as is asked of it here. */
export declare const WebSocket: unknown;
