import { age, disk, duration, gib, limit, whole } from '../src/words';

test.each([
  [149, '2 min 29 s'],
  [3900, '1 h 05 min'],
  [183_600, '2 d 03 h'],
  [59.6, '1 min 00 s'],
  [0, '0 s']
])('a duration of %d s is %s', (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});

test('sizes and figures have a unit after a space, and a dash for what is not known', () => {
  expect([gib(176.94), gib(null)]).toEqual(['176.9', '–']);
  expect([disk(1269.8), disk(0.9), disk(0.0031), disk(null)]).toEqual([
    '1.24 TiB',
    '0.9 GiB',
    '3.2 MiB',
    '–'
  ]);
  expect([whole(1412.4, 'tok/s'), whole(0, '%'), whole(null, 'ms')]).toEqual([
    '1,412 tok/s',
    '0 %',
    '–'
  ]);
});

test('an age is one unit, a limit whole minutes', () => {
  expect([age(7300), age(240), age(7)]).toEqual(['2 h', '4 min', '7 s']);
  expect([limit(3360), limit(45), limit(28_800)]).toEqual(['56 min', '45 s', '8 h 00 min']);
});
