import { z } from 'zod';

// Callers send data of any shape. These schemas decide which data reaches the engine.

/** A well-formed id; whether there is such an element is the engine's to say. */
export const id64 = z.string().regex(/^0x[1-9a-f][0-9a-f]{0,15}$/, 'expected an id such as 0x2a');

export const id64List = z.array(id64).max(10_000);

// Far beyond any floor, and well within what 32-bit floats, as the spatial index has them, can tell apart.
const coordinate = z.number().min(-10_000).max(10_000);

export const position = z.object({ x: coordinate, y: coordinate });

export const region = z
  .object({ minX: coordinate, minY: coordinate, maxX: coordinate, maxY: coordinate })
  .refine(({ minX, minY, maxX, maxY }) => minX < maxX && minY < maxY, 'the region is empty');

/** Left out, it may arrive as null: that is what JSON has for a list's item that is not there. */
export const regionOrNone = region.nullish();

/** Metres. */
export const resolution = z.number().min(0.01).max(100);

export const newRobot = position.extend({
  name: z.string().trim().min(1).max(60),
  radius: z.number().min(0.1).max(2),
});

export const surveyId = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, ".", "_" or "-"');
