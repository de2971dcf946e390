import { describe, expect, it } from '@jest/globals';
import { createNoopMeter } from '@opentelemetry/api';
import type { Attributes, Meter } from '@opentelemetry/api';
import { Meters } from './meters.js';

describe('Meters', () => {
  it('keeps 2,000 names, and counts the calls of all others together', () => {
    const names = new Set<unknown>();
    const meter: Meter = Object.assign(Object.create(createNoopMeter()) as Meter, {
      createHistogram: () => ({
        record: (_value: number, attributes: Attributes) => names.add(attributes['rpc.method']),
      }),
    });
    const meters = new Meters(meter);
    for (let i = 0; i < 2100; i++)
      meters
        .call({ side: 'client', kind: 'ipc', transport: 'ipc', name: `c/${i}`, activityId: '' }, undefined)!
        .end({ kind: 'result' });
    expect(names.size).toBe(2001);
    expect(names).toContain('_OTHER');
    expect(names).not.toContain('c/2000');
  });
});
