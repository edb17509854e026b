/**
 * What does something instead of being read, as `core/harmless.py` has it: a terminal's commands
 * with their text, control characters but line feed and tab, what turns the direction of writing,
 * and what can't be seen at all.
 */
const STEERS = new RegExp(
  [
    '\\u001b[\\]PX^_][^\\u0007\\u001b\\u009c\\n]{0,100000}(?:\\u0007|\\u001b\\\\|\\u009c)?',
    '\\u001b\\[[0-9;:<=>?]*[ -/]*[@-~]',
    '\\u001b[ -/]*[0-~]',
    '(?![\\n\\t])\\p{Cc}',
    '[\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060\\u2066-\\u2069\\ufeff]',
    '\\p{Cs}|[\\u{e0000}-\\u{e007f}]'
  ].join('|'),
  'gu'
);

/** A text that others wrote, as it may be shown. */
export function harmless(text: string): string {
  return text.replace(STEERS, '');
}
