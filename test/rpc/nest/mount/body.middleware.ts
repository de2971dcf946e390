import { settled } from '../../../harness/waiting.js';

export type Middleware = (req: any, res: any, next: () => void) => void;

/** Reads the body, and keeps nothing of it. */
export const draining: Middleware = (req, _res, next) => {
  req.resume();
  req.on('end', next);
};

/** Continues after the whole request has arrived. */
export const late: Middleware = (_req, _res, next) => void settled().then(next);
