import type { IServer, IStatus } from '../src/contract';
import type { IChange } from '../src/site';
import { Site } from '../src/site';
import { ALL, answering, node, refusal } from './answering';

const open: Site[] = [];

function made(answers: Record<string, unknown>) {
  const { api, asked, answers: mutable } = answering({ ...answers });
  const site = new Site(api);
  open.push(site);
  return { site, asked, answers: mutable };
}

function withServer(change: Partial<IServer>): IStatus {
  const servers = node.servers.map((server, at) => (at === 0 ? { ...server, ...change } : server));
  return { ...node, servers };
}

afterEach(() => {
  open.splice(0).forEach(site => {
    site.dispose();
  });
});

test('nothing is asked while nobody looks', async () => {
  const { site, asked } = made(ALL);
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(asked).toEqual([]);
  const looking = site.watch('close');
  await site.refresh();
  expect(site.connection).toBe('connected');
  expect(site.status?.gpus).toHaveLength(8);
  looking.dispose();
  const before = asked.length;
  await new Promise(resolve => setTimeout(resolve, 1200));
  expect(asked).toHaveLength(before);
});

test('a server that starts is followed each second, else the pace is the one of the settings', async () => {
  const { site, asked, answers } = made({ ...ALL, 'GET status': { ...node, servers: [] } });
  site.interval = 60_000;
  site.watch('close');
  await site.refresh();
  const calm = asked.length;
  await new Promise(resolve => setTimeout(resolve, 1300));
  expect(asked).toHaveLength(calm);
  answers['GET status'] = node;
  await site.refresh();
  const busy = asked.length;
  await new Promise(resolve => setTimeout(resolve, 1300));
  expect(asked.length).toBeGreaterThan(busy);
});

test('without an answer what was known stays, old, and it is asked again later', async () => {
  const { site, answers } = made(ALL);
  site.watch('close');
  await site.refresh();
  const readAt = site.readAt;
  answers['GET status'] = null;
  await site.refresh();
  expect(site.connection).toBe('lost');
  expect(site.isOld).toBe(true);
  expect(site.readAt).toBe(readAt);
  expect(site.status?.host).toBe('gpu-07');
  expect(site.nextAt.getTime()).toBeGreaterThan(Date.now());
  answers['GET status'] = node;
  await site.refresh();
  expect([site.connection, site.isOld, site.failure]).toEqual(['connected', false, null]);
});

test('a refusal is told in its own words, and a missing extension from a lost connection', async () => {
  const refused = made({
    'GET status': refusal(507, 'StateUnusable', 'The state can not be read.', '%aim doctor')
  });
  await refused.site.refresh();
  expect(refused.site.connection).toBe('refused');
  expect(refused.site.failure?.toDo).toBe('%aim doctor');
  const absent = made({ 'GET status': [404, { error: 'NotFound', found: 'x', to_do: '' }] });
  await absent.site.refresh();
  expect(absent.site.connection).toBe('absent');
});

test('changes of stage and state are told once, ticks are not', async () => {
  const { site, answers } = made({ ...ALL, 'GET status': withServer({ stage: 'boot' }) });
  const told: IChange[] = [];
  site.serverChanged.connect((_, change) => told.push(change));
  site.watch('close');
  await site.refresh();
  answers['GET status'] = withServer({ stage: 'boot', eta_s: 12 });
  await site.refresh();
  expect(told).toEqual([]);
  answers['GET status'] = withServer({ stage: 'load' });
  await site.refresh();
  await site.refresh();
  answers['GET status'] = withServer({ state: 'failed', stage: 'load' });
  await site.refresh();
  expect(told.map(({ server, before }) => [before?.stage, server.state, server.stage])).toEqual([
    ['boot', 'starting', 'load'],
    ['load', 'failed', 'load']
  ]);
});
