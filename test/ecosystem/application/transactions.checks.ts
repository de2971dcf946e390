import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataSource } from 'typeorm';
import { Booking } from './bookings.js';
import { served, ways } from './callers.js';
import { failureOf } from './outcome.js';
import { storeChannel } from './store.definition.js';

const booked = (article: string) => served.app.get(DataSource).getRepository(Booking).countBy({ article });

describe('@nestjs/typeorm', () => {
  for (const [how, method] of [
    ['in the store of nestjs-cls', 'book'],
    ['on the request', 'bookByRequest'],
  ] as const) {
    for (const way of ways) {
      it(`commits a transaction ${how} over ${way}`, async () => {
        const article = `${method} ${way}`;
        assert.equal(await served.calls(way)[method](article, false), 1);
        assert.equal(await booked(article), 1);
      });

      it(`rolls a transaction ${how} back when the method fails over ${way}`, async () => {
        const article = `failed ${method} ${way}`;
        const { message } = await failureOf(served.calls(way)[method](article, true));
        assert.equal(message, `${article} is not booked after 1`);
        assert.equal(await booked(article), 0);
      });
    }
  }
});

describe('@nestjs/event-emitter', () => {
  it('calls a listener that notifies all frontends', async () => {
    const frontend = served.frontend();
    await frontend.ready;
    const news = new Promise((resolve) =>
      frontend.addListener(storeChannel, (_event, ...message) => resolve(message)),
    );
    await served.calls('RPC').book('news', false);
    assert.deepEqual(await news, ['booked', 'news']);
  });
});
