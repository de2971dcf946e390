import { Module } from '@nestjs/common';
import { RpcInterface, RpcModule, RpcOperation } from '@linnet/backend';
import { definitionOf, refusal } from '../../../harness/nest.harness.js';

const definition = definitionOf('Bound', 'one');

describe('the concurrency of an operation', () => {
  it.each([0, -1, NaN, 1.5])('cannot be %d', async (concurrency) => {
    @RpcInterface(definition)
    class BusyImpl {
      @RpcOperation({ concurrency })
      one() {}
    }
    const message = await refusal({ providers: [BusyImpl] });
    expect(message).toMatch(/\b(BusyImpl|Bound)\b/);
    expect(message).toMatch(/\bone\b/);
    expect(message).toContain('concurrency');
  });

  it.each([0, -1, NaN, 1.5])('cannot be %d in a definition', async (concurrency) => {
    const limited = definitionOf('Bound', 'one');
    const { value } = Object.getOwnPropertyDescriptor(limited.prototype, 'one')!;
    RpcOperation({ concurrency })(limited.prototype as object, 'one', { value });
    @RpcInterface(limited)
    class LimitedImpl {
      one() {}
    }
    expect(await refusal({ providers: [LimitedImpl] })).toMatch(/\bone\b.*concurrency|concurrency.*\bone\b/);
  });
});

describe('RpcModule.forRoot', () => {
  it('cannot be imported twice', async () => {
    @Module({ imports: [RpcModule.forRoot({ ping: false })] })
    class Feature {}
    for (const imports of [[RpcModule.forRoot({ ping: false })], [Feature]])
      expect(await refusal({ imports })).toMatch(/RpcModule.*(once|twice|two)/i);
  });
});
