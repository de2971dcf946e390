import type { SchemaIssue } from './standard.schema.js';

/** A part of the arguments that was refused. */
export interface RefusedPart {
  /** The number of the argument, from 1. Missing if the schema of the whole list refused it. */
  readonly argument?: number;
  /** The number of the item of a stream, from 1. */
  readonly item?: number;
  /** The way from the argument, or from the item, to the part. */
  readonly path: readonly (string | number)[];
  /** The expectation. */
  readonly message: string;
}

// A caller that sends a list of a million wrong items must not get a million issues back.
const MOST_ISSUES = 20;
const MOST_KEYS = 32;
const MOST_CHARACTERS = 200;

/**
 * Issues as callers may see them: bounded in number and length, and without the refused values, which some libraries repeat.
 *
 * @param argument the number of the argument; default: the first key of each path is the index of one
 */
export function refusedParts(
  issues: readonly SchemaIssue[],
  argument?: number,
  item?: number,
): RefusedPart[] {
  const parts: RefusedPart[] = [];
  for (let index = 0; index < issues.length && index < MOST_ISSUES; index++) {
    const { path = [], message } = issues[index]!;
    const keys = Array.from(path.slice(0, MOST_KEYS), keyOf);
    const isIndex = argument === undefined && typeof keys[0] === 'number';
    const number = isIndex ? (keys.shift() as number) + 1 : argument;
    parts.push({
      ...(number !== undefined && { argument: number }),
      ...(item !== undefined && { item }),
      path: keys,
      message: withoutValue(message.slice(0, MOST_CHARACTERS)),
    });
  }
  return parts;
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): string | number {
  const key = typeof segment === 'object' ? segment.key : segment;
  return typeof key === 'number' ? key : String(key).slice(0, MOST_CHARACTERS);
}

/** Messages of valibot end with `but received "…"`, those of arktype have `(was "…")`. */
function withoutValue(message: string): string {
  return message.replace(/ but received [^]*$/, '').replace(/ \(was [^]*$/, '');
}
