import { harmless } from '../src/harmless';

describe('harmless', () => {
  it.each([
    ['plain\ttext\n', 'plain\ttext\n'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['a\u001b]52;c;cm0gLXJm\u0007b', 'ab'],
    ['a\u001bP1;2|x\u001b\\b', 'ab'],
    ['a\u009b31mb', 'a31mb'],
    ['a\rb\u0007\u0000', 'ab'],
    ['\u202egnp.exe\u2066\u200b\ufeff', 'gnp.exe'],
    ['\u{e0041}\ud800x', 'x'],
    ['نص עברית 漢字 👩‍💻', 'نص עברית 漢字 👩‍💻']
  ])('shows %j as %j', (text, shown) => {
    expect(harmless(text)).toBe(shown);
  });
});
