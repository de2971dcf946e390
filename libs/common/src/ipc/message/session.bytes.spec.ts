import { describe, expect, it } from '@jest/globals';
import { WaitingBytes } from './session.bytes.js';

const LIMIT = 800;
/** The part of the limit for bytes that can be refused. */
const REFUSABLE = 700;

/** Opens sessions of users. @returns a function that opens one, and the names of ended sessions */
function server() {
  const waiting = new WaitingBytes(LIMIT);
  const ended: string[] = [];
  const open = (name: string, owner = name, limit?: number, frees = true) => {
    let held = 0;
    const bytes = waiting.of(
      owner,
      () => {
        ended.push(name);
        if (frees) bytes.add(-held);
      },
      limit,
    );
    const add = bytes.add.bind(bytes);
    bytes.add = (by) => {
      held += by;
      add(by);
    };
    return bytes;
  };
  return { open, ended };
}

describe('the bytes of a session that cannot be refused', () => {
  it('end no session up to the limit', () => {
    const { open, ended } = server();
    open('a').add(LIMIT);
    expect(ended).toEqual([]);
  });

  it('end the largest session of the user with most of them', () => {
    const { open, ended } = server();
    open('small', 'x').add(100);
    open('large', 'x').add(400);
    open('other', 'y').add(LIMIT - 500 + 1);
    expect(ended).toEqual(['large']);
  });

  it('end sessions until the rest has space', () => {
    const { open, ended } = server();
    open('a').add(300);
    open('b').add(400);
    open('c').add(1000);
    expect(ended).toEqual(['c']);
    open('d').add(250);
    expect(ended).toEqual(['c', 'b']);
  });

  it('end one session at a time if it frees its bytes later', () => {
    const { open, ended } = server();
    open('a', 'a', undefined, false).add(LIMIT + 1);
    expect(ended).toEqual(['a']);
  });

  it('end no session when they are freed', () => {
    const { open, ended } = server();
    const bytes = open('a', 'a', undefined, false);
    bytes.add(LIMIT + 200);
    bytes.add(-100);
    expect(ended).toEqual(['a']);
  });
});

describe('the bytes of a session that can be refused', () => {
  it('are refused above the limit of the session, and not at it', () => {
    const { open } = server();
    const bytes = open('a', 'a', 100);
    expect(bytes.take(60)).toBe(true);
    expect(bytes.take(41)).toBe(false);
    expect(bytes.take(40)).toBe(true);
    expect(bytes.take(1)).toBe(false);
  });

  it('may be more than the limit of the session if they are the first', () => {
    const { open } = server();
    const bytes = open('a', 'a', 100);
    expect(bytes.take(101)).toBe(true);
    bytes.add(-101);
    expect(bytes.take(101)).toBe(true);
  });

  it('are refused above seven eighths of the shared limit to the user with most of them', () => {
    const { open, ended } = server();
    const large = open('large');
    const small = open('small');
    expect(large.take(400)).toBe(true);
    expect(small.take(REFUSABLE - 400)).toBe(true);
    expect(large.take(1)).toBe(false);
    expect(small.take(1)).toBe(true);
    expect(large.take(1)).toBe(false);
    expect(ended).toEqual([]);
  });

  it('are counted', () => {
    const { open, ended } = server();
    open('a').take(700);
    open('b').take(50);
    open('c').add(51);
    expect(ended).toEqual(['a']);
  });
});
