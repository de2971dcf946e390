/** How many bytes a server that pushes lets wait for the socket before it waits a moment. */
export const SEND_AHEAD = 1024 * 1024;
