import { nullTranslator } from '@jupyterlab/translation';
import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import type { IStatus } from '../src/contract';
import { Form } from '../src/form';
import { Site } from '../src/site';
import type { IActions } from '../src/view/context';
import { SidebarContext } from '../src/view/context';
import type { Opened } from '../src/view/Sidebar';
import { Sidebar } from '../src/view/Sidebar';
import { summary } from '../src/view/StatusItem';
import { ALL, answering, empty, failed, node, refusal } from './answering';

const trans = nullTranslator.load('aim_jupyter');

function actions(canInsert = true): jest.Mocked<IActions> {
  return {
    refresh: jest.fn(),
    launch: jest.fn().mockResolvedValue(undefined),
    stop: jest.fn(),
    forget: jest.fn(),
    logs: jest.fn(),
    insertClient: jest.fn(),
    copyClient: jest.fn(),
    copy: jest.fn(),
    canInsert: jest.fn().mockReturnValue(canInsert)
  };
}

function Opening({ start }: { start: Opened }) {
  const [opened, setOpened] = React.useState(start);
  return <Sidebar opened={opened} setOpened={setOpened} />;
}

/** The sidebar on what the REST answers; null is a Jupyter that is gone after its first answer. */
async function shown(status: unknown, start: Opened = {}, canInsert = true) {
  const { api, answers, asked } = answering({ ...ALL, 'GET status': status ?? node });
  const site = new Site(api);
  const form = new Form(api);
  const done = actions(canInsert);
  await site.refresh();
  if (status === null) {
    answers['GET status'] = null;
    await site.refresh();
  }
  await act(async () => {
    render(
      <SidebarContext value={{ site, form, actions: done, trans }}>
        <Opening start={start} />
      </SidebarContext>
    );
    await new Promise(resolve => setTimeout(resolve, 0));
  });
  onTestEnd.push(() => {
    site.dispose();
    form.dispose();
  });
  return { site, form, done, answers, asked };
}

const onTestEnd: (() => void)[] = [];

afterEach(() => {
  cleanup();
  onTestEnd.splice(0).forEach(end => {
    end();
  });
});

function head(title: RegExp): HTMLElement {
  return screen.getByRole('button', { name: title });
}

test('each GPU has a bar that says all that is drawn', async () => {
  await shown(node);
  const bars = screen.getAllByRole('img').map(bar => bar.getAttribute('aria-label'));
  expect(bars.slice(0, 8)).toEqual([
    'GPU 0: 176.9 of 192.0 GiB used, you',
    'GPU 1: 177.2 of 192.0 GiB used, bob',
    'GPU 2: 177.0 of 192.0 GiB used, bob',
    'GPU 3: 61.4 of 192.0 GiB used, chen',
    'GPU 4: 23.1 of 192.0 GiB used, you',
    'GPU 5: 0.3 of 192.0 GiB used, free',
    'GPU 6: 46.2 of 192.0 GiB used, unexplained',
    '0000:75:00.0: 192.0 GiB, hidden'
  ]);
  expect(head(/^GPUs/).textContent).toContain('1 free of 8');
});

test('sections open and close by their heads, and those closed have no content', async () => {
  await shown(node);
  const cache = head(/^Cache/);
  expect(cache.getAttribute('aria-expanded')).toBe('true');
  expect(screen.getByText(/9 models/)).toBeTruthy();
  fireEvent.click(cache);
  expect(cache.getAttribute('aria-expanded')).toBe('false');
  expect(screen.queryByText(/9 models/)).toBeNull();
});

test('a start shows its stage, place, detail and what is left', async () => {
  await shown(node);
  const bar = screen.getByRole('progressbar', { name: 'qwen3-32b' });
  expect(bar.getAttribute('aria-valuetext')).toBe('load, shard 5 of 7');
  expect(bar.getAttribute('aria-valuenow')).toBe('42');
  const server = screen.getByRole('listitem', { name: 'qwen3-32b' });
  expect(server.textContent).toContain('load 3 of 6 · shard 5 of 7');
  expect(server.textContent).toContain('about 1 min 25 s left');
  expect(within(server).queryByText('Insert client')).toBeNull();
});

test('a running server shows its figures, and its buttons do what they say', async () => {
  const { done } = await shown(node);
  const server = screen.getByRole('listitem', { name: 'qwen3-8b' });
  for (const words of ['0 tok/s', 'KV 0 %', '52 ms', 'Last request 4 min ago', 'stops in 56 min']) {
    expect(server.textContent).toContain(words);
  }
  expect(server.textContent).toContain('http://127.0.0.1:41873/v1');
  fireEvent.click(screen.getByRole('button', { name: 'Insert client of qwen3-8b' }));
  fireEvent.click(screen.getByRole('button', { name: 'Copy client code of qwen3-8b' }));
  fireEvent.click(screen.getByRole('button', { name: 'Logs of qwen3-8b' }));
  fireEvent.click(screen.getByRole('button', { name: 'Stop qwen3-8b' }));
  for (const action of [done.insertClient, done.copyClient, done.logs, done.stop]) {
    expect(action.mock.calls).toEqual([['qwen3-8b']]);
  }
});

test('without a notebook no client can be inserted, and the button says why', async () => {
  const { done } = await shown(node, {}, false);
  const insert = screen.getByRole('button', { name: 'Insert client of qwen3-8b' });
  fireEvent.click(insert);
  expect(insert.getAttribute('aria-disabled')).toBe('true');
  expect(insert.title).toBe('No notebook is open');
  expect(done.insertClient).not.toHaveBeenCalled();
});

test('a newcomer without a GPU is one click from the demo', async () => {
  const { done } = await shown(empty);
  expect(screen.getByText('This machine has no AMD GPU device.')).toBeTruthy();
  expect(head(/^Launch$/).getAttribute('aria-expanded')).toBe('false');
  await act(async () => {
    fireEvent.click(screen.getByRole('button', { name: 'Launch CPU demo' }));
    await Promise.resolve();
  });
  expect(done.launch.mock.calls).toEqual([[{ model: 'demo' }]]);
});

test('a failed start says what, why and what to try', async () => {
  const { done, answers, asked } = await shown(failed);
  const late = 'RuntimeError: it: it came after';
  answers['GET servers/qwen3-32b/why'] = { cause: '', evidence: [], ruled_out: [late] };
  const server = screen.getByRole('listitem', { name: 'qwen3-32b' });
  expect(server.textContent).toContain('failed in boot · 24 s');
  expect(server.textContent).toContain('GPU 5 had less free memory than needed.');
  const why = within(server).getByRole('button', { name: 'Why' });
  expect(server.textContent).not.toContain('Decisive line');
  expect(asked.some(({ path }) => path.endsWith('/why'))).toBe(false);
  await act(async () => {
    fireEvent.click(why);
    await new Promise(resolve => setTimeout(resolve, 0));
  });
  expect(why.getAttribute('aria-expanded')).toBe('true');
  expect(server.textContent).toContain(`Ruled out${late}`);
  expect(server.textContent).toContain('Decisive line, 212 of the log');
  fireEvent.click(within(server).getByRole('button', { name: 'Copy as magic' }));
  expect(done.copy).toHaveBeenCalledWith('%aim launch Qwen/Qwen3-32B --gpus 4');
  fireEvent.click(within(server).getByRole('button', { name: 'Forget qwen3-32b' }));
  expect(done.forget).toHaveBeenCalledWith('qwen3-32b');
});

test('when Jupyter is gone, what was known is old and no server is said to have stopped', async () => {
  await shown(null);
  expect(screen.getByText(/Jupyter has not answered since/)).toBeTruthy();
  expect(head(/^GPUs/).textContent).toMatch(/read \d+ s ago/);
  expect(head(/^Servers/).textContent).toContain('state unknown');
  const server = screen.getByRole('listitem', { name: 'qwen3-8b' });
  expect(server.textContent).toContain('unknown · was running');
  expect(within(server).queryByRole('button')).toBeNull();
});

test('a map that runs is shown with how far it is, and no section where there is none', async () => {
  await shown(node);
  const [map] = node.maps;
  expect(screen.getByRole('img', { name: `${map?.run}: 1,204 of 5,000 rows` })).toBeTruthy();
  expect(
    screen.getByText('1,204 of 5,000 rows · 3 failed · 9.0 rows/s · about 6 to 8 min left')
  ).toBeTruthy();
  cleanup();
  await shown(empty);
  expect(screen.queryByText('Maps')).toBeNull();
});

test('a refusal is two lines, in place of everything', async () => {
  await shown(refusal(507, 'StateUnusable', 'The state can not be read.', '%aim doctor'));
  const alert = screen.getByRole('alert');
  expect(alert.textContent).toBe('The state can not be read.%aim doctor');
  expect(screen.queryByRole('button', { name: /^GPUs/ })).toBeNull();
});

test('GPUs that can not be opened are said to be so', async () => {
  const gpus = node.gpus.map(gpu => ({
    ...gpu,
    reason: '/dev/kfd: permission denied'
  }));
  await shown({ ...node, gpus, servers: [] });
  expect(head(/^GPUs/).textContent).toContain('no access');
  expect(screen.getByText(/8 GPUs found, none can be opened/)).toBeTruthy();
});

test('the launch form shows the verdict with its bar, and launches what is chosen', async () => {
  const { done } = await shown(node);
  const form = screen.getByRole('form', { name: 'Launch' });
  expect(within(form).getByText('FITS')).toBeTruthy();
  expect(within(form).getByRole('img').getAttribute('aria-label')).toBe(
    'mi300x-bf16-tp1: weights 15.0, KV cache 154.8, overhead 6.0 of 192.0 GiB; 122.8 GiB to spare'
  );
  await act(async () => {
    fireEvent.click(within(form).getByRole('button', { name: 'Launch' }));
    await Promise.resolve();
  });
  expect(done.launch.mock.calls).toEqual([[{ model: 'meta-llama/Llama-3.1-8B-Instruct' }]]);
  fireEvent.click(within(form).getByRole('button', { name: 'Copy as magic' }));
  expect(done.copy.mock.calls).toEqual([
    ['%aim launch meta-llama/Llama-3.1-8B-Instruct --users 8']
  ]);
  await act(async () => {
    fireEvent.change(within(form).getByRole('combobox', { name: 'Recipe' }), {
      target: { value: 'mi300x-bf16-tp2' }
    });
    await Promise.resolve();
  });
  const launch = within(form).getByRole('button', { name: 'Launch' });
  expect(launch.getAttribute('aria-disabled')).toBe('true');
  expect(form.textContent).toContain('2 GPUs needed, 1 is free');
});

test('stage changes are said aloud', async () => {
  const { site, answers } = await shown(node);
  const [first, second] = node.servers;
  answers['GET status'] = { ...node, servers: [{ ...first, stage: 'compile' }, second] };
  await act(async () => {
    await site.refresh();
  });
  const said = screen.getAllByRole('status').map(node => node.textContent);
  expect(said).toContain('qwen3-32b is starting: compile');
});

test.each<[string, IStatus, string | null]>([
  ['a busy node', node, 'aim: 1 running · 1 starting · 1 GPU free'],
  ['a failed start', failed, 'aim: 1 failed · 2 GPUs free'],
  ['no GPU', empty, 'aim: no GPU · demo available'],
  ['nothing at all', { ...empty, engine: null }, null]
])('the status bar with %s', async (_, status, words) => {
  const { api } = answering({ 'GET status': status });
  const site = new Site(api);
  expect(summary(trans, site)?.words).toBe('aim: reading');
  await site.refresh();
  expect(summary(trans, site)?.words ?? null).toBe(words);
  site.dispose();
});

test('the status bar has nothing to say where the extension is missing', async () => {
  const { api, answers } = answering({ 'GET status': node });
  const site = new Site(api);
  answers['GET status'] = [404, { error: 'NotFound', found: '', to_do: '' }];
  await site.refresh();
  expect(summary(trans, site)).toBeNull();
  answers['GET status'] = null;
  await site.refresh();
  expect(summary(trans, site)?.words).toBe('aim: not connected');
  site.dispose();
});

test('a server that nobody has asked yet is not said to have been', async () => {
  const [first, second] = node.servers;
  await shown({ ...node, servers: [first, { ...second, was_asked: false }] });
  const server = screen.getByRole('listitem', { name: 'qwen3-8b' });
  expect(server.textContent).toContain('No request yet · stops in 56 min');
  expect(server.textContent).not.toContain('Last request');
});

test('the model field is in the words of the sidebar', async () => {
  await shown(node);
  const field = screen.getByRole('combobox', { name: 'Model' });
  fireEvent.input(field, { target: { value: 'qwen 32' } });
  expect(document.body.textContent).toContain('5 of 7 models');
  expect(document.body.textContent).toContain('as qwen3-32b, room for 17 users');
  expect(document.body.textContent).not.toContain('undefined');
});
