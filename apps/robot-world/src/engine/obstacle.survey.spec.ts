import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isDone, ObstacleSurveys } from './obstacle.survey.js';
import { WarehouseDatabase } from './warehouse.database.js';

beforeAll(() => Logger.overrideLogger(false));

describe('ObstacleSurveys', () => {
  const pause = 100;
  const wholeSurvey = 20 * pause;
  let database: WarehouseDatabase;
  let surveys: ObstacleSurveys;

  beforeEach(() => {
    jest.useFakeTimers();
    database = new WarehouseDatabase(':memory:');
    surveys = new ObstacleSurveys(database, pause);
  });
  afterEach(() => {
    surveys.onModuleDestroy();
    expect(jest.getTimerCount()).toBe(0);
    database.onApplicationShutdown();
    jest.useRealTimers();
  });

  it('measures all obstacles, a step at a time', () => {
    const survey = surveys.join('a');
    expect(survey.surveyed).toBe(0);
    jest.advanceTimersByTime(wholeSurvey / 2);
    expect(survey.surveyed / survey.total).toBeCloseTo(0.5, 2);
    expect(isDone(survey)).toBe(false);
    jest.advanceTimersByTime(wholeSurvey / 2);
    expect(isDone(survey)).toBe(true);
    const expected = database.rows<[string, number]>('SELECT kind, count(*) FROM obstacle GROUP BY kind');
    for (const [kind, count] of expected) expect(survey.report).toMatchObject({ [kind]: { count } });
    expect(survey.report.shelf.area / survey.report.shelf.count).toBeCloseTo(2.8 * 1.2);
  });

  it('lets callers join a survey by its name', () => {
    expect(surveys.join('a')).toBe(surveys.join('a'));
    expect(surveys.join('b')).not.toBe(surveys.join('a'));
  });

  it('stops a cancelled survey, and does not start it again for later callers', () => {
    const survey = surveys.join('a');
    surveys.join('b');
    jest.advanceTimersByTime(wholeSurvey / 2);
    const { surveyed } = survey;
    expect(surveys.cancel('a')).toBe(true);
    expect(() => surveys.join('a')).toThrow('The survey a was cancelled.');
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(wholeSurvey);
    expect(survey.surveyed).toBe(surveyed);
    expect(isDone(surveys.join('b'))).toBe(true);
    for (const id of ['a', 'b', 'unknown']) expect(surveys.cancel(id)).toBe(false);
  });

  it('refuses to run too many surveys at once, and forgets finished ones', () => {
    const first = surveys.join('0');
    for (let i = 1; i < 100; i++) surveys.join(`${i}`);
    expect(() => surveys.join('one more')).toThrow('Too many surveys');
    jest.advanceTimersByTime(wholeSurvey);
    surveys.join('one more');
    expect(surveys.join('0')).not.toBe(first);
  });

  it('reports its progress to a caller that waits for its end', async () => {
    const reports: number[] = [];
    const { signal } = new AbortController();
    const running = surveys.run('a', ({ surveyed, total }) => reports.push(surveyed / total), signal);
    await jest.advanceTimersByTimeAsync(wholeSurvey);
    expect(await running).toMatchObject({ pallet: { count: 600 } });
    expect(reports).toHaveLength(21);
    expect([reports[0], reports.at(-1)]).toEqual([0, 1]);
    expect(reports).toEqual(reports.toSorted((a, b) => a - b));
  });

  it('stops when a caller that waits for its end aborts', async () => {
    const controller = new AbortController();
    const running = surveys.run('a', () => undefined, controller.signal);
    await jest.advanceTimersByTimeAsync(wholeSurvey / 2);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(jest.getTimerCount()).toBe(0);
    expect(() => surveys.join('a')).toThrow('The survey a was cancelled.');
  });

  it('rejects a caller that waits for a survey that somebody else cancels', async () => {
    const running = surveys.run('a', () => undefined, new AbortController().signal);
    surveys.cancel('a');
    await expect(running).rejects.toThrow('The survey a was cancelled.');
  });

  it('has space for another survey after one is cancelled', () => {
    for (let i = 0; i < 100; i++) surveys.join(`${i}`);
    surveys.cancel('50');
    expect(surveys.join('one more').surveyed).toBe(0);
  });
});
