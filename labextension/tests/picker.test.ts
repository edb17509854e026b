import { fireEvent, screen, within } from '@testing-library/dom';

import type { IPicker } from '../../aim_jupyter/panel/static/picker.js';
import { createPicker, matching, nearest, size } from '../../aim_jupyter/panel/static/picker.js';
import { models } from './answering';

const on = { choose: jest.fn(), attach: jest.fn() };
let picker: IPicker;

function field(): HTMLInputElement {
  return screen.getByRole('combobox', { name: 'Model' });
}

function type(text: string): void {
  field().focus();
  fireEvent.input(field(), { target: { value: text } });
}

function key(name: string, more: object = {}): void {
  fireEvent.keyDown(field(), { key: name, ...more });
}

/** The names in the list, as they are read. */
function names(): (string | null)[] {
  const options = screen.queryAllByRole('option');
  return options.map(one => one.querySelector('.aim-Pick-name')?.textContent ?? null);
}

function active(): string | null {
  const id = field().getAttribute('aria-activedescendant');
  const option = id === null ? null : document.getElementById(id);
  return option?.querySelector('.aim-Pick-name')?.textContent ?? null;
}

beforeEach(() => {
  on.choose.mockReset();
  on.attach.mockReset();
  document.body.replaceChildren();
  picker = createPicker(document.body, on);
  picker.show({ models: models.models, chosen: 'demo', offline: false, about: '12 users' });
});

test('all pieces have to occur, in any order and case', () => {
  const found = (text: string): string[] => matching(models.models, text).map(one => one.model);
  expect(found('32 QWEN')).toHaveLength(5);
  expect(found('coder 32b')).toEqual(['Qwen/Qwen2.5-Coder-32B-Instruct']);
  expect(found('qwen 8b')).toEqual([]);
  expect(found(' ')).toHaveLength(models.models.length);
});

test('a wrong letter is forgiven, and nonsense has nothing near', () => {
  const near = (text: string): string[] => nearest(models.models, text).map(one => one.model);
  expect(near('quen3 32b')[0]).toBe('Qwen/Qwen3-32B');
  expect(near('lama-3.1-8b')[0]).toBe('meta-llama/Llama-3.1-8B-Instruct');
  expect(near('xyzzyplugh')).toEqual([]);
  expect(near('')).toEqual([]);
});

test('sizes have the unit in which they read best', () => {
  expect([size(61.04), size(0.003), size(1234)]).toEqual(['61.0 GiB', '3.1 MiB', '1,234.0 GiB']);
});

test('typing opens the list, in groups, with what each would be', () => {
  expect(screen.queryByRole('listbox')).toBeNull();
  type('qwen 32');
  expect(names()).toEqual([
    'Qwen/Qwen3-32B',
    'Qwen/QwQ-32B',
    'Qwen/Qwen2.5-VL-32B-Instruct',
    'Qwen/Qwen2.5-Coder-32B-Instruct',
    'Qwen/Qwen3-32B-MLX-4bit'
  ]);
  const groups = within(screen.getByRole('listbox')).getAllByRole('group');
  const heads = groups.map(one => one.getAttribute('aria-labelledby'));
  expect(heads.map(id => document.getElementById(id ?? '')?.firstChild?.textContent)).toEqual([
    'running',
    'on disk',
    'to download'
  ]);
  const [own, shared, tight, , no] = screen.getAllByRole('option').map(one => one.textContent);
  expect(own).toContain('running');
  expect(own).toContain('31.9 GiB · fp8 · GPU 4 · as qwen3-32b, room for 17 users');
  expect(shared).toContain('running, shared by bob');
  expect(tight).toContain('TIGHT');
  expect(tight).toContain('62.3 GiB · bf16 · 1 GPU · 1.4 GiB to spare, band ±2.2 GiB');
  expect(no).toContain('size not known');
  expect(screen.getByRole('status').textContent).toBe('5 of 7 models');
});

test('arrows mark, Enter chooses, and what runs is attached to', () => {
  type('qwen 32');
  expect(active()).toBe('Qwen/Qwen3-32B');
  key('ArrowDown');
  key('ArrowDown');
  expect(active()).toBe('Qwen/Qwen2.5-VL-32B-Instruct');
  key('End');
  key('ArrowDown');
  expect(active()).toBe('Qwen/Qwen3-32B-MLX-4bit');
  key('Enter');
  expect(on.choose.mock.calls).toEqual([['Qwen/Qwen3-32B-MLX-4bit', false]]);
  type('qwen3-32b');
  key('Enter');
  expect(on.attach.mock.calls).toEqual([['qwen3-32b']]);
  type('qwen3-32b');
  key('Enter', { shiftKey: true });
  expect(on.choose.mock.calls.at(-1)).toEqual(['Qwen/Qwen3-32B', true]);
});

test('Escape and leaving keep the former choice, the cross takes it back', () => {
  type('qwen');
  key('Escape');
  expect([field().value, screen.queryByRole('listbox')]).toEqual(['demo', null]);
  type('qwen');
  fireEvent.blur(field());
  expect(field().value).toBe('demo');
  expect(on.choose).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole('button', { name: 'Empty the field' }));
  expect(on.choose.mock.calls).toEqual([['', false]]);
});

test('a click chooses', () => {
  key('ArrowDown');
  expect(active()).toBe('demo');
  const llama = screen.getByRole('option', { name: /Llama/ });
  fireEvent.click(within(llama).getByText('FITS'));
  expect(on.choose.mock.calls).toEqual([['meta-llama/Llama-3.1-8B-Instruct', false]]);
});

test('what no list has is said, with what is near, and a full name is looked up', () => {
  type('quen3 32b');
  expect(document.body.textContent).toContain('No model of that name. Nearest:');
  expect(names()[0]).toBe('Qwen/Qwen3-32B');
  type('xyzzyplugh');
  key('Enter');
  expect(document.body.textContent).toContain('No model of that name.');
  expect(on.choose).not.toHaveBeenCalled();
  type('someone/of-the-hub');
  key('Enter');
  type('~/my/model');
  key('Enter');
  expect(on.choose.mock.calls).toEqual([
    ['someone/of-the-hub', false],
    ['~/my/model', false]
  ]);
});

test('nothing chosen is a hint with counts, and reading and being offline are said', () => {
  picker.show({ chosen: '' });
  expect(document.body.textContent).toContain('Choose a model to see whether it fits.');
  expect(document.body.textContent).toContain('2 running · 4 on disk · 7 in all');
  picker.show({ offline: true });
  expect(document.body.textContent).toContain('Offline: models on disk only.');
  picker.show({ models: null });
  expect(document.body.textContent).toContain('Reading models');
});

test('a row never moves while the list is open, and its verdict still comes', () => {
  type('qwen 32');
  const before = names();
  const later = [...models.models].reverse().map(row => ({ ...row, reason: 'anew' }));
  picker.show({ models: later });
  expect(names()).toEqual(before);
  expect(screen.getAllByRole('option').at(-1)?.textContent).toContain('anew');
});

test('filters are what the models say that they do, and a name stays text', () => {
  const hostile = 'a/<img src=x onerror=alert(1)>';
  const rows = models.models.map((row, at) =>
    at === 0 ? { ...row, model: hostile, does: ['chat'] } : { ...row, does: ['embed'] }
  );
  picker.show({ models: rows });
  type('img');
  expect(document.querySelector('img')).toBeNull();
  expect(names()).toEqual([hostile]);
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'embed 0' }).disabled).toBe(true);
  type('');
  fireEvent.click(screen.getByRole('button', { name: 'chat 1' }));
  expect(names()).toHaveLength(1);
});
