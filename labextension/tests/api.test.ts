import { Failure } from '../src/api';
import { answering, node, refusal } from './answering';

test('it asks below the base URL, with names that are escaped and only what is known', async () => {
  const { api, asked } = answering({
    'GET status': node,
    'GET servers/a%2Fb/logs': { lines: ['one', 'two'] },
    'GET recipes': { rows: [] },
    'DELETE servers/demo': [202, {}]
  });
  expect((await api.status()).host).toBe('gpu-07');
  expect(await api.logs('a/b', 20)).toEqual(['one', 'two']);
  await api.recipes({ model: 'demo', users: 4 });
  await api.stop('demo');
  await api.forget('demo');
  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET status',
    'GET servers/a%2Fb/logs',
    'GET recipes',
    'DELETE servers/demo',
    'DELETE servers/demo'
  ]);
  expect(asked[4]?.query.forget).toBe('1');
  expect(asked[1]?.query.lines).toBe('20');
  const { model, users, context } = asked[2]?.query ?? {};
  expect({ model, users, context }).toEqual({ model: 'demo', users: '4', context: undefined });
});

test('a failure keeps the words of the core', async () => {
  const { api } = answering({
    'POST servers': refusal(409, 'NoFit', 'GPU 4 has no room.', '%aim launch demo')
  });
  const launched = api.launch({ model: 'demo' });
  await expect(launched).rejects.toBeInstanceOf(Failure);
  await expect(launched).rejects.toMatchObject({
    kind: 'NoFit',
    found: 'GPU 4 has no room.',
    toDo: '%aim launch demo',
    isAbsent: false
  });
});

test('a Jupyter without our extension answers with a page of its own', async () => {
  const { api } = answering({ 'GET status': [404, undefined] });
  await expect(api.status()).rejects.toMatchObject({ status: 404, found: /answered 404/ });
});
