import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { describe, it } from 'node:test';
import { QueryObserver } from '@tanstack/query-core';
import { served, ways } from './callers.js';
import type { Way } from './callers.js';
import { countQuery, overIpc, overRpc, queryClient, refreshOnNews, surveyQuery } from './queries.js';
import { surveyOf } from './watched.js';

const callsOver = (way: Way) =>
  way === 'IPC' ? overIpc(served.frontend()) : overRpc(served.shopClient(way));

describe('@tanstack/query-core', () => {
  for (const way of ways) {
    it(`fetches once for two queries with one key over ${way}`, async () => {
      const queries = queryClient();
      const options = { ...countQuery(callsOver(way), 'bolt'), staleTime: Infinity };
      const [first, second] = await Promise.all([queries.fetchQuery(options), queries.fetchQuery(options)]);
      assert.equal(first, second);
      queries.clear();
    });

    it(`aborts the call in the backend when a query is cancelled over ${way}`, async () => {
      const queries = queryClient();
      const options = surveyQuery(callsOver(way), `hall ${way}`);
      const surveyed = surveyOf(`hall ${way}`);
      const fetching = queries.fetchQuery(options).catch((error: Error) => error.constructor.name);
      const signal = await surveyed;
      const aborted = once(signal, 'abort');
      await queries.cancelQueries({ queryKey: options.queryKey });
      await aborted;
      assert.equal(await fetching, 'CancelledError');
      queries.clear();
    });
  }

  it('fetches again after a notification', async () => {
    const queries = queryClient();
    const frontend = served.frontend();
    await frontend.ready;
    const end = refreshOnNews(queries, frontend);
    const observer = new QueryObserver(queries, countQuery(callsOver('RPC'), 'nut'));
    const fetched = new EventEmitter();
    const unsubscribe = observer.subscribe(({ data, isFetching }) => {
      if (!isFetching) fetched.emit('result', data);
    });
    const [first] = await once(fetched, 'result');
    const again = once(fetched, 'result');
    await served.shop('RPC').reserve('nut');
    const [second] = await again;
    assert.notEqual(first.activityId, second.activityId);
    unsubscribe();
    end();
    queries.clear();
  });
});
