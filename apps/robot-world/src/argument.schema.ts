import { z } from 'zod';

// Callers send data of any shape. These schemas decide which data reaches the engine.

/** A well-formed id. The engine decides whether such an element exists. */
export const id64 = z.string().regex(/^0x[1-9a-f][0-9a-f]{0,15}$/, 'expected an id such as 0x2a');

export const id64List = z.array(id64).max(10_000);

// Larger than any floor, and small enough for the 32-bit floats of the spatial index.
const coordinate = z.number().min(-10_000).max(10_000);

export const position = z.object({ x: coordinate, y: coordinate });

export const region = z
  .object({ minX: coordinate, minY: coordinate, maxX: coordinate, maxY: coordinate })
  .refine(({ minX, minY, maxX, maxY }) => minX < maxX && minY < maxY, 'the region is empty');

/** An omitted argument may arrive as null, because JSON has no other form for a missing item of a list. */
export const regionOrNone = region.nullish();

/** In metres. */
export const resolution = z.number().min(0.01).max(100);

export const newRobot = position.extend({
  name: z.string().trim().min(1).max(60),
  radius: z.number().min(0.1).max(2),
});

export const shortText = z.string().trim().min(1).max(100);

export const surveyId = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, ".", "_" or "-"');
