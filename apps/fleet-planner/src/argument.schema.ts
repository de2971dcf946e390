import { z } from 'zod';

// Callers send data of any shape. These schemas decide which data reaches the planner.

/** A well-formed id. Robot World decides whether such a robot exists. */
export const id64 = z.string().regex(/^0x[1-9a-f][0-9a-f]{0,15}$/, 'expected an id such as 0x2a');

const coordinate = z.number().min(-10_000).max(10_000);

/** In metres. */
export const position = z.object({ x: coordinate, y: coordinate });
