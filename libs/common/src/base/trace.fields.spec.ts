import { describe, expect, it } from '@jest/globals';
import { readTrace, traceFields, traceList } from './trace.fields.js';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('the trace of a message', () => {
  it.each([
    [parent, '', ''],
    [parent, 'a=1', ''],
    [parent, '', 'tenant=blue'],
    ['', '', 'tenant=blue'],
  ] as const)('comes back as it was: %s %s %s', (...fields) => {
    expect(readTrace(JSON.parse(JSON.stringify(traceList(fields))))).toEqual(fields);
  });

  const proto: unknown = JSON.parse('{"__proto__":["x"],"0":"y","length":1}');
  it.each<[string, unknown]>([
    ['text', parent],
    ['a number', 1],
    ['null', null],
    ['an object like a list', proto],
    ['an empty list', []],
    ['a list of lists', [[parent]]],
    ['a list of objects', [{ toString: () => parent }]],
    ['a traceparent in capitals', [parent.toUpperCase()]],
    ['a traceparent that is too short', [parent.slice(1)]],
    ['a long traceparent', [`${parent}-${'0'.repeat(100)}`]],
    ['a line break in the traceparent', [`${parent}-\r\nX: y`]],
    ['two traceparents', [`${parent}, ${parent}`]],
    ['a huge baggage', ['', '', 'x'.repeat(8193)]],
    ['a line break in the baggage', ['', '', 'a=b\r\nX: y']],
    ['a letter that no header has', ['', '', 'a=ü']],
    ['a tracestate alone', ['', 'a=1', '']],
  ])('counts as absent: %s', (_name, value) => {
    expect(readTrace(value)).toBeUndefined();
  });

  it('stays without a value that is too long', () => {
    expect(traceFields(parent, 'x'.repeat(513), 'x'.repeat(8193))).toEqual([parent, '', '']);
    expect(traceFields(parent, 'a=\n', 7)).toEqual([parent, '', '']);
  });
});
