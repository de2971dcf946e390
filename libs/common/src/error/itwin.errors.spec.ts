import { describe, expect, it } from '@jest/globals';
import { BentleyError, IModelStatus, ITwinError } from '@itwin/core-bentley';
import * as itwin from '@itwin/core-common';
import { noContent, rebuildError, ServerError } from './backend.error.js';
import { IModelError, NoContentError } from './imodel.error.js';
import { itwinErrors } from './itwin.errors.js';
import { IModelStatus as OwnStatus } from './status.table.js';

describe('an error with a number', () => {
  it.each([
    ['IModelError', () => new IModelError(65574, 'gone'), 65574, 'Not Found'],
    ['NoContentError', () => new NoContentError(), 65604, 'Error (65604)'],
    [
      'BackendError',
      () => rebuildError({ errorNumber: 65574, name: 'Not Found', message: 'm' }),
      65574,
      'Not Found',
    ],
    ['ServerError', () => new ServerError(-1, 'nobody there'), -1, 'ServerError'],
  ] as [string, () => Error, number, string][])(
    'is recognized by BentleyError.isError: %s',
    (_name, make, number, key) => {
      expect(BentleyError.isError(make(), number)).toBe(true);
      expect(ITwinError.isError(make(), BentleyError.iTwinErrorScope, key)).toBe(true);
    },
  );

  it('has the metadata that it is made with, and does not serialize it', () => {
    const error = new IModelError(65574, 'gone', () => ({ id: 1 }));
    expect([error.hasMetaData, error.getMetaData(), error.loggingMetadata]).toEqual([
      true,
      { id: 1 },
      { id: 1 },
    ]);
    expect(BentleyError.getErrorMetadata(error)).toEqual({ id: 1 });
    expect(JSON.parse(JSON.stringify(error))).toEqual({ errorNumber: 65574, name: 'Not Found' });
    expect(new IModelError(1, 'm', { id: 2 }).getMetaData()).toEqual({ id: 2 });
    expect(new IModelError(1, 'm').hasMetaData).toBe(false);
  });

  it('is an instance of IModelError of Linnet if it comes from core-common', () => {
    expect(new itwin.IModelError(65574, 'gone')).toBeInstanceOf(IModelError);
    expect(new itwin.NoContentError()).toBeInstanceOf(IModelError);
    expect(new itwin.IModelError(65574, 'gone')).not.toBeInstanceOf(NoContentError);
    expect(Object.assign(new Error('m'), { errorNumber: 1 })).not.toBeInstanceOf(IModelError);
  });
});

it('IModelStatus has every member of IModelStatus of core-bentley', () => {
  const members = Object.entries(IModelStatus).filter(([, value]) => typeof value === 'number');
  expect({ ...OwnStatus }).toEqual(Object.fromEntries(members));
});

describe('itwinErrors', () => {
  const map = itwinErrors(itwin);

  it('turns errors of backends into BackendErrors of core-common, with all members', () => {
    const sent = { errorNumber: 65574, name: 'Not Found', message: 'gone', shelf: 3 };
    const error = map(rebuildError(sent, 404)) as itwin.BackendError & { shelf: number; status: number };
    expect(error).toBeInstanceOf(itwin.BackendError);
    expect(error).toBeInstanceOf(itwin.IModelError);
    expect(error).toMatchObject(sent);
    expect([error.status, error.getMetaData()]).toEqual([404, sent]);
  });

  it('turns a missing answer into a ServerError, and no content into a NoContentError', () => {
    const unreachable = map(new ServerError(-1, 'nobody there'));
    expect(unreachable).toBeInstanceOf(itwin.ServerError);
    expect(unreachable).toMatchObject({ errorNumber: -1, message: 'nobody there' });
    expect(map(rebuildError(noContent, 204))).toBeInstanceOf(itwin.NoContentError);
    const { BackendError, ServerError: Server } = itwin;
    const without = itwinErrors({ BackendError, ServerError: Server });
    const plain = without(rebuildError(noContent, 204));
    expect(plain).toBeInstanceOf(itwin.BackendError);
    expect(plain).toMatchObject({ name: 'Error (65604)' });
    expect((plain as itwin.BackendError).getMetaData()).toMatchObject({ name: 'Error (65604)' });
  });

  it('turns a timeout of a gateway into a ServerTimeoutError', () => {
    const error = map(new ServerError(504, 'too late'));
    expect(error).toBeInstanceOf(itwin.ServerTimeoutError);
    expect(error).toMatchObject({ message: 'too late', status: 504, errorNumber: 65603 });
  });

  it('returns all other values unchanged', () => {
    const error = new TypeError('m');
    expect([map(error), map('text'), map(undefined)]).toEqual([error, 'text', undefined]);
  });
});
