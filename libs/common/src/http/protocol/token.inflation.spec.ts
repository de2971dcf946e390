import { describe, expect, it } from '@jest/globals';
import { inflateTokens } from './token.inflation.js';

const TARGET = '/t/v/mode/1/context/T/imodel/M/changeset/C/I-1.0.0-op?parameters=context/X';
const inflated = { key: 'M:C', iTwinId: 'T', iModelId: 'M', changeset: { id: 'C' } };

describe('the tokens among arguments', () => {
  it('are completed by the path, and other arguments stay', () => {
    const other = { iModelId: 'x' };
    const args = [1, { iTwinId: 'T', iModelId: 'M' }, other, { iTwinId: 'T', iModelId: 'M' }];
    expect(inflateTokens(args, undefined, TARGET)).toBe(false);
    expect(args).toEqual([1, inflated, other, inflated]);
    expect(args[2]).toBe(other);
  });

  it('differ from the path if one of them does', () => {
    for (const args of [
      [
        { iTwinId: 'other', iModelId: 'M' },
        { iTwinId: 'T', iModelId: 'M' },
      ],
      [
        { iTwinId: 'T', iModelId: 'M' },
        { iTwinId: 'T', iModelId: 'other' },
      ],
    ]) {
      expect(inflateTokens(args, undefined, TARGET)).toBe(true);
      expect(args).toEqual([inflated, inflated]);
    }
  });

  it('do not differ if there are none', () => {
    expect(inflateTokens([], undefined, TARGET)).toBe(false);
    expect(inflateTokens([1, null, 'x'], undefined, TARGET)).toBe(false);
  });

  it('are completed by what a naming has read', () => {
    const args = [{ iTwinId: 'N', iModelId: 'O' }];
    expect(inflateTokens(args, { iTwinId: 'N', iModelId: 'P' }, TARGET)).toBe(true);
    expect(args).toEqual([{ key: 'P:0', iTwinId: 'N', iModelId: 'P', changeset: { id: '0' } }]);
  });

  it('are refused if an id of the path hides a slash, and the argument has another id', () => {
    const target = TARGET.replace('/T/', '/a%2Fb/');
    expect(inflateTokens([{ iTwinId: 'a/b', iModelId: 'M' }], undefined, target)).toBe(false);
    const refusal = 'the path can be read in more than one way.';
    expect(() => inflateTokens([{ iTwinId: 'a', iModelId: 'M' }], undefined, target)).toThrow(refusal);
    expect(() =>
      inflateTokens([{ iTwinId: 'T', iModelId: 'M' }], undefined, TARGET.replace('/M/', '/M%2F/')),
    ).toThrow(refusal);
    expect(() => inflateTokens([{ iTwinId: 'T', iModelId: 'x' }], undefined, TARGET)).not.toThrow();
  });
});
