import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inflateToken, isToken, isTokenMismatch, routedToken } from './token.js';

const token = { key: 'k', iTwinId: 't', iModelId: 'm', changeset: { id: 'c', index: 2 } };
const path = '/p/t/v1/mode/1/context/T/imodel/M/changeset/C/I-1.0.0-op';

describe('a token', () => {
  it('is an object with both ids as own members', () => {
    expect(isToken(token)).toBe(true);
    expect(isToken({ iModelId: undefined, iTwinId: undefined })).toBe(true);
    const others = [null, 'x', 1, [], {}, { iModelId: 'm' }, { iTwinId: 't' }, Object.create(token), () => 1];
    expect(others.map(isToken)).toEqual(others.map(() => false));
  });

  it('drops what is no member of a token', () => {
    expect(
      inflateToken(
        { ...token, extra: 1, changeset: { id: 'c', other: 2 } } as never,
        routedToken(path.split('/')),
      ),
    ).toStrictEqual({
      key: 'k',
      iTwinId: 'T',
      iModelId: 'M',
      changeset: { id: 'C' },
    });
  });

  it('is what any path says, whatever its segments are called', () => {
    const segment = fc.oneof(
      fc.constantFrom('mode', 'context', 'imodel', 'changeset', '0', ''),
      fc.stringMatching(/^[\w%.~-]*$/),
    );
    fc.assert(
      fc.property(segment, segment, segment, (iTwinId, iModelId, changeset) => {
        const target = `/p/mode/1/context/${iTwinId}/imodel/${iModelId}/changeset/${changeset}/I-1.0.0-op`;
        const id = changeset === '0' ? '' : changeset;
        expect(inflateToken({ iTwinId: 't', iModelId: 'm' }, routedToken(target.split('/')))).toStrictEqual({
          key: `${iModelId}:${id}`,
          iTwinId,
          iModelId,
          changeset: { id },
        });
      }),
    );
  });

  it('of members that are no text never breaks the server', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (key, iModelId, changeset) => {
        const odd = { key, iTwinId: 't', iModelId, changeset } as never;
        const inflated = inflateToken(odd, routedToken(path.split('/')));
        expect(inflated).toMatchObject({ iTwinId: 'T', iModelId: 'M' });
        expect(typeof isTokenMismatch(odd, inflated)).toBe('boolean');
      }),
    );
  });
});

describe('a mismatch', () => {
  const inflated = { key: 'k', iTwinId: 'T', iModelId: 'M', changeset: { id: 'C', index: 2 } };
  it.each([
    ['nothing', {}, false],
    ['the index', { changeset: { id: 'C', index: 3 } }, false],
    ['no changeset', { changeset: undefined }, false],
    ['no key', { key: undefined }, false],
    ['the key', { key: 'other' }, true],
    ['the iTwin', { iTwinId: 'other' }, true],
    ['the iModel', { iModelId: 'other' }, true],
    ['the changeset', { changeset: { id: 'other' } }, true],
  ])('is seen where %s differs', (_name, members, expected) => {
    expect(isTokenMismatch({ ...inflated, ...members }, inflated)).toBe(expected);
  });

  it('is none where the path has the same, percent-encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (id) => {
        const token = { key: `${id}:${id}`, iTwinId: id, iModelId: id, changeset: { id } };
        const ids = encodeURIComponent(id);
        const target = `/mode/1/context/${ids}/imodel/${ids}/changeset/${ids === '0' ? 'x' : ids}/I-1.0.0-op`;
        const routed = inflateToken(token, routedToken(target.split('/')));
        expect(isTokenMismatch(token, routed)).toBe(id === '0');
        expect(isTokenMismatch({ ...token, iModelId: `${id}x` }, routed)).toBe(true);
      }),
    );
  });
});
