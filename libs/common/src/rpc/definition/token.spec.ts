import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inflateToken, isToken, isTokenMismatch, routedToken } from './token.js';

const token = { key: 'k', iTwinId: 't', iModelId: 'm', changeset: { id: 'c', index: 2 } };
const path = '/p/t/v1/mode/1/context/T/imodel/M/changeset/C/I-1.0.0-op';

describe('an iModel token', () => {
  it('is an object with both ids as own members', () => {
    expect(isToken(token)).toBe(true);
    expect(isToken({ iModelId: undefined, iTwinId: undefined })).toBe(true);
    const others = [null, 'x', 1, [], {}, { iModelId: 'm' }, { iTwinId: 't' }, Object.create(token), () => 1];
    expect(others.map(isToken)).toEqual(others.map(() => false));
  });

  it('loses members that a token does not have', () => {
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

  it('keeps the members that the path lacks, and is empty without them', () => {
    expect(inflateToken(token, {})).toStrictEqual(token);
    expect(inflateToken(token, { iTwinId: '', iModelId: '', changeset: { id: '' } })).toStrictEqual({
      key: 'k',
      iTwinId: '',
      iModelId: '',
      changeset: { id: '', index: 2 },
    });
    expect(inflateToken({}, {})).toStrictEqual({
      key: ':0',
      iTwinId: '',
      iModelId: '',
      changeset: { id: '0' },
    });
  });

  it('has a key of model and changeset, unless it names another one', () => {
    const keyFor = (key: unknown) => inflateToken({ ...token, key } as never, {}).key;
    expect(['own', 'a:b', undefined, 5].map(keyFor)).toEqual(['own', 'm:c', 'm:c', 'm:c']);
  });

  it('takes its ids from the path, whatever they contain', () => {
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

  it('does not break the server if its members are not text', () => {
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

describe('a mismatch between token and path', () => {
  const inflated = { key: 'k', iTwinId: 'T', iModelId: 'M', changeset: { id: 'C', index: 2 } };
  it.each([
    ['no difference', {}, false],
    ['another index', { changeset: { id: 'C', index: 3 } }, false],
    ['no changeset', { changeset: undefined }, false],
    ['no key', { key: undefined }, false],
    ['another key', { key: 'other' }, true],
    ['another iTwin', { iTwinId: 'other' }, true],
    ['another iModel', { iModelId: 'other' }, true],
    ['another changeset', { changeset: { id: 'other' } }, true],
  ])('is decided for a token with %s', (_name, members, expected) => {
    expect(isTokenMismatch({ ...inflated, ...members }, inflated)).toBe(expected);
  });

  it('does not come from percent-encoding of the path', () => {
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
