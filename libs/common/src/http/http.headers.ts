/** A client that sends this header reads every status; the unmodified iTwin.js client does not. */
export const CLIENT_HEADER = 'x-linnet-client';

/** How many milliseconds the caller waits for the answer, when the request is sent. */
export const TIMEOUT_HEADER = 'x-linnet-timeout';
